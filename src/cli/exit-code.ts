/** What the process says at its end; scripts decide by it, so a number never changes its meaning. */
export const EXIT = {
  ok: 0,
  refused: 1,
  usage: 2,
  notFound: 3,
  unauthenticated: 4,
  retryable: 5,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For the help text, in order. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, "done"],
  [EXIT.refused, "refused by the hub (4xx)"],
  [EXIT.usage, "wrong usage or configuration"],
  [EXIT.notFound, "not found (404)"],
  [EXIT.unauthenticated, "not joined, or the key is not valid (401)"],
  [EXIT.retryable, "try again later: hub unreachable, 429, 503, or no reply in time"],
  [EXIT.bug, "a bug, here or in the hub (500)"],
  [EXIT.interrupted, "ended by Ctrl-C"],
];

const BY_STATUS: ReadonlyMap<number, ExitCode> = new Map<number, ExitCode>([
  [401, EXIT.unauthenticated],
  [404, EXIT.notFound],
  [408, EXIT.retryable],
  [425, EXIT.retryable],
  [429, EXIT.retryable],
  [500, EXIT.bug],
  [502, EXIT.retryable],
  [503, EXIT.retryable],
  [504, EXIT.retryable],
]);

const BY_ERROR_CODE: ReadonlyMap<string, ExitCode> = new Map<string, ExitCode>([
  ["unauthenticated", EXIT.unauthenticated],
  ["not_found", EXIT.notFound],
  ["rate_limited", EXIT.retryable],
  ["quota_exceeded", EXIT.retryable],
  ["inbox_full", EXIT.retryable],
  ["storage_full", EXIT.retryable],
  ["unavailable", EXIT.retryable],
  ["internal", EXIT.bug],
]);

/** For an HTTP answer of 400 or more. */
export function exitCodeFromStatus(status: number): ExitCode {
  return BY_STATUS.get(status) ?? EXIT.refused;
}

/** For an error where no HTTP status came with it, such as an error frame of a session. */
export function exitCodeFromErrorCode(code: string): ExitCode {
  return BY_ERROR_CODE.get(code) ?? EXIT.refused;
}
