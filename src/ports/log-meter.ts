import type { ErrorCode } from "../model/errors.ts";

/** One commit of a log that became durable. */
export interface MeasuredCommit {
  readonly records: number;
  readonly bytes: number;
  /** From the call of the record that waited longest until it was durable; undefined in a commit without records. */
  readonly appendMs: number | undefined;
  /** Writing and flushing alone. */
  readonly commitMs: number;
}

export interface QueueDepth {
  readonly records: number;
  readonly bytes: number;
}

/** Watches the commits of a log: told once for each commit, not for each record. Must not throw. */
export interface LogMeter {
  /** Called once, when the log opens: how to look at what waits for its commit. */
  watchQueue(read: () => QueueDepth): void;
  committed(commit: MeasuredCommit): void;
  /** Nothing of the commit was accepted. */
  failed(code: ErrorCode): void;
}
