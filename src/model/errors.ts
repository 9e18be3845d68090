import type { Any } from "@bufbuild/protobuf/wkt";

/** The closed set of error codes; the same words on every wire (`ERROR_CODE_…` in errors.proto). */
export type ErrorCode =
  | "malformed"
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "already_exists"
  | "gone"
  | "too_large"
  | "rate_limited"
  | "quota_exceeded"
  | "inbox_full"
  | "storage_full"
  | "unavailable"
  | "gap"
  | "unimplemented"
  | "internal"
  | "failed_precondition";

/** Codes in the order of errors.proto: the number of a code is its index here plus one. */
export const ERROR_CODES: readonly ErrorCode[] = [
  "malformed",
  "invalid_argument",
  "unauthenticated",
  "permission_denied",
  "not_found",
  "already_exists",
  "gone",
  "too_large",
  "rate_limited",
  "quota_exceeded",
  "inbox_full",
  "storage_full",
  "unavailable",
  "gap",
  "unimplemented",
  "internal",
  "failed_precondition",
];

/** Seconds to wait where the error itself does not say: every answer that invites a retry says when. */
const RETRY_AFTER_S: Readonly<Partial<Record<ErrorCode, number>>> = {
  rate_limited: 1,
  quota_exceeded: 3600,
  inbox_full: 5,
  storage_full: 30,
  unavailable: 1,
};

/** How an error reads on gRPC where a foreign protocol, served there too, words it otherwise than the hub does. */
export interface RpcWords {
  /** A status code of gRPC. */
  readonly status: number;
  /** They go before the hub's own detail. */
  readonly details: readonly Any[];
}

export interface MeshErrorOptions {
  /** What the caller can do about it. */
  readonly hint?: string;
  /** Seconds to wait before a retry can help. */
  readonly retryAfterS?: number;
  /** For the hub's own log; never sent to a caller. */
  readonly cause?: unknown;
  readonly rpc?: RpcWords;
}

/** The one error that crosses module borders. Wires map `code` by a table of their own. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly rpc: RpcWords | undefined;

  constructor(code: ErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryAfterS = options.retryAfterS;
    this.rpc = options.rpc;
  }
}

/** Turns anything thrown into a MeshError. Details of unknown errors stay in `cause` and are never sent. */
export function meshErrorFromUnknown(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  return new MeshError("internal", "the hub failed to handle this call", {
    hint: "try again; if it repeats, ask the operator to look into the hub's log",
    cause: thrown,
  });
}

/** Whole seconds after which a retry can help, as Retry-After wants them; undefined = it does not by itself. */
export function retryAfterFromError(error: MeshError): number | undefined {
  const seconds = error.retryAfterS ?? RETRY_AFTER_S[error.code];
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
}
