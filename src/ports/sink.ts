import type { LogRecord } from "./message-log.ts";

/**
 * `ready`: taken, give more. `full`: taken, but give nothing more until `onReady`. `closed`: the reader is gone.
 */
export type SinkState = "ready" | "full" | "closed";

/** Why a delivery ended. */
export type CloseReason = "gap" | "closed" | "revoked" | "expired" | "draining";

/** Where a pump writes: the only way out. */
export interface Sink {
  /** Takes the whole batch, in order, or says closed. Must not throw. */
  write(records: readonly LogRecord[]): SinkState;
  /** Sets who is called when a full sink has room again. */
  onReady(resume: () => void): void;
  close(reason: CloseReason): void;
}
