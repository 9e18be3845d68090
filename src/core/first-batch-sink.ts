import { unauthenticated } from "../model/principal.ts";
import type { LogRecord } from "../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";

/**
 * Takes the first batch that holds a wanted record, or nothing when `waitMs` pass, the signal aborts or the delivery
 * ends; with its credential it fails.
 */
export class FirstBatchSink implements Sink {
  readonly #isWanted: (record: LogRecord) => boolean;
  readonly #waitMs: number;
  readonly #settled = Promise.withResolvers<readonly LogRecord[]>();
  #hasEnded = false;

  constructor(waitMs: number, isWanted: (record: LogRecord) => boolean) {
    this.#waitMs = waitMs;
    this.#isWanted = isWanted;
    // It may fail before `batch` is called, which is where that is handled.
    this.#settled.promise.catch(() => undefined);
  }

  /**
   * The wanted records of that batch; none when the time is over. To be called once.
   * @throws MeshError unauthenticated when the reader's credential ended
   */
  async batch(signal: AbortSignal): Promise<readonly LogRecord[]> {
    const giveUp = (): void => this.#end([]);
    const timer = setTimeout(giveUp, this.#waitMs);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await this.#settled.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#hasEnded) return "closed";
    const wanted = records.filter(this.#isWanted);
    if (wanted.length === 0) return "ready";
    this.#end(wanted);
    // Taken, and nothing more is wanted: the caller detaches.
    return "full";
  }

  onReady(): void {
    // It never has room again.
  }

  close(reason: CloseReason): void {
    if (reason === "revoked" || reason === "expired") this.#settled.reject(unauthenticated());
    this.#end([]);
  }

  #end(records: readonly LogRecord[]): void {
    this.#hasEnded = true;
    this.#settled.resolve(records);
  }
}
