import type { DeliveryCounts } from "../model/counts.ts";
import type { Position } from "../model/position.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogPage, LogRecord, MessageLog, StreamName, Wake } from "../ports/message-log.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";
import type { Delivery } from "./delivery.ts";
import { safetyReadMsOf } from "./log-source.ts";
import type { PumpOptions, PumpResolver, PumpSource } from "./pump.ts";
import type { Receipts } from "./receipts.ts";

const PAGE_SIZE = 256;
const RETRY_MS = 50;

export interface LiveFeedDeps {
  readonly log: MessageLog;
  readonly delivery: Delivery;
  readonly receipts: Receipts;
  readonly logger: Logger;
  readonly counts: DeliveryCounts;
  readonly tracer?: MessageTracer | undefined;
}

/** The reader behind a feed. */
export interface FeedReader {
  /** The window of the reader and whether it wants anything now: how many records it may get. */
  room(): number;
  /** The reader was handed everything up to here. */
  handed(offset: number): void;
  sinkIsFull(): void;
  sinkIsReady(): void;
  /** The pump ended by itself. */
  ended(): void;
}

/**
 * All that the pump of one inbox's reader sees: where it reads, how it resolves, where it writes. One object and not
 * a dozen closures, because there is one for each session, and most sessions are at rest.
 */
export class LiveFeed implements PumpSource, PumpResolver, PumpOptions, Sink {
  readonly #deps: LiveFeedDeps;
  readonly #stream: StreamName;
  readonly #sink: Sink;
  readonly #reader: FeedReader;

  constructor(deps: LiveFeedDeps, stream: StreamName, sink: Sink, reader: FeedReader) {
    this.#deps = deps;
    this.#stream = stream;
    this.#sink = sink;
    this.#reader = reader;
  }

  get pageSize(): number {
    return PAGE_SIZE;
  }

  get retryMs(): number {
    return RETRY_MS;
  }

  get safetyReadMs(): number | undefined {
    return safetyReadMsOf(this.#deps.log);
  }

  get resolver(): PumpResolver {
    return this;
  }

  read(from: Position, limit: number): Promise<LogPage> {
    return this.#deps.log.read(this.#stream, { from, limit });
  }

  watch(wake: Wake): () => void {
    return this.#deps.log.watch(this.#stream, wake);
  }

  now(records: readonly LogRecord[]): readonly LogRecord[] | undefined {
    return this.#deps.delivery.resolveNow(records);
  }

  later(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    return this.#deps.delivery.resolveLater(this.#stream, records);
  }

  room(): number {
    return this.#reader.room();
  }

  /** The receipts are told of what the sink took. */
  write(records: readonly LogRecord[]): SinkState {
    const last = records.at(-1);
    if (last !== undefined) this.#reader.handed(last.offset);
    const answer = this.#sink.write(records);
    if (answer !== "closed") {
      this.#deps.receipts.handed(this.#stream, records);
      this.#deps.counts.delivered += records.length;
      this.#deps.tracer?.handed(this.#stream, records);
    }
    if (answer === "full") this.#reader.sinkIsFull();
    return answer;
  }

  /** Resuming is the reader's: the sink is only one of the things that it waits for. */
  onReady(): void {
    this.#sink.onReady(() => this.#reader.sinkIsReady());
  }

  close(reason: CloseReason): void {
    this.#sink.close(reason);
  }

  onReadError(error: unknown): void {
    this.#deps.logger.warn("inbox.not_read", { stream: this.#stream, error });
  }

  onEnd(): void {
    this.#reader.ended();
  }
}
