import { MeshError } from "../../../model/errors.ts";

/** Ends a call when it lasts too long, or when its caller does. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** From now on it has this long. */
  restart(ms: number): void;
  /** Time stands still until the next restart. */
  hold(): void;
}

export function createDeadline(caller: AbortSignal | undefined, firstMs: number): Deadline {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hold = (): void => clearTimeout(timer);
  const restart = (ms: number): void => {
    hold();
    timer = setTimeout(() => ending.abort(late(ms)), ms).unref();
  };
  const callerLeft = (): void => ending.abort(left(caller?.reason));
  restart(firstMs);
  if (caller?.aborted === true) callerLeft();
  else caller?.addEventListener("abort", callerLeft, { once: true });
  return {
    signal: ending.signal,
    restart,
    hold,
    [Symbol.dispose]() {
      hold();
      caller?.removeEventListener("abort", callerLeft);
    },
  };
}

function late(ms: number): MeshError {
  return new MeshError("unavailable", `the server did not answer within ${ms} ms`);
}

function left(reason: unknown): MeshError {
  return reason instanceof MeshError ? reason : new MeshError("unavailable", "the call was given up");
}
