import { MeshError } from "../model/errors.ts";
import { EXIT, type ExitCode, exitCodeFromErrorCode } from "./exit-code.ts";

export interface CliErrorOptions {
  readonly exitCode: ExitCode;
  /** One of the hub's error codes, or a word of the command line such as `usage`. */
  readonly code: string;
  /** What the user can do about it. */
  readonly hint?: string | undefined;
  readonly retryAfterS?: number | undefined;
  readonly cause?: unknown;
}

/** An end that the user is told of in one line and a hint; everything else thrown is a bug. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly hint: string | undefined;
  readonly retryAfterS: number | undefined;

  constructor(message: string, options: CliErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode;
    this.code = options.code;
    this.hint = options.hint;
    this.retryAfterS = options.retryAfterS;
  }
}

/** The command was not written as its help says, or a setting is wrong. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage, code: "usage", hint });
}

/** No identity for the call. */
export function notJoinedError(message: string, hint: string): CliError {
  return new CliError(message, { exitCode: EXIT.unauthenticated, code: "unauthenticated", hint });
}

/** Turns anything thrown into a CliError; what is unknown is a bug and says where it happened. */
export function cliErrorFromUnknown(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof MeshError) {
    const { code, hint, retryAfterS } = thrown;
    return new CliError(thrown.message, { exitCode: exitCodeFromErrorCode(code), code, hint, retryAfterS });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const place =
    thrown instanceof Error ? thrown.stack?.split("\n").find((line) => /^\s+at /.test(line)) : undefined;
  return new CliError(message === "" ? "unexpected failure" : message, {
    exitCode: EXIT.bug,
    code: "bug",
    hint: `this is a bug of the command line${place === undefined ? "" : ` (${place.trim()})`}; please report it`,
    cause: thrown,
  });
}
