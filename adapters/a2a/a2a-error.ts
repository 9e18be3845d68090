import type { A2aReason } from "./error-table.ts";

/** One field of a request that is wrong. */
export interface FieldViolation {
  /** As JSON spells it: message.parts[0]. */
  readonly field: string;
  readonly description: string;
}

export interface A2aErrorOptions {
  readonly violations?: readonly FieldViolation[];
  /** Of ErrorInfo. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryAfterS?: number | undefined;
  /** For the hub's own log; never sent. */
  readonly cause?: unknown;
}

/** An error in A2A's own words; each binding tells it by the row of its reason. */
export class A2aError extends Error {
  override readonly name = "A2aError";
  readonly reason: A2aReason;
  readonly violations: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterS: number | undefined;

  constructor(reason: A2aReason, message: string, options: A2aErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.violations = options.violations ?? [];
    this.metadata = options.metadata ?? {};
    this.retryAfterS = options.retryAfterS;
  }
}

/** The one answer for a task that is not there, is somebody else's, or is another agent's. */
export function taskNotFound(): A2aError {
  return new A2aError("TASK_NOT_FOUND", "there is no such task that you may see");
}

export function invalidParams(...violations: readonly FieldViolation[]): A2aError {
  const told = violations.slice(0, 3).map(({ field, description }) => `${field} ${description}`);
  return new A2aError("INVALID_PARAMS", told.join("; "), { violations });
}
