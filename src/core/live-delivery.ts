import type { DeliveryCounts } from "../model/counts.ts";
import type { Position } from "../model/position.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";
import type { Delivery } from "./delivery.ts";
import { sourceFromLog } from "./log-source.ts";
import type { Attachment } from "./messages.ts";
import { Pump } from "./pump.ts";
import type { Receipts } from "./receipts.ts";

const PAGE_SIZE = 256;
const RETRY_MS = 50;
const SAFETY_READ_MS = 15_000;

export interface LiveDeliveryDeps {
  readonly log: MessageLog;
  readonly delivery: Delivery;
  readonly receipts: Receipts;
  readonly logger: Logger;
  readonly counts: DeliveryCounts;
}

export interface LiveDeliveryOptions {
  readonly stream: StreamName;
  readonly start: Position;
  readonly sink: Sink;
  /** 0 = unbounded. */
  readonly window: number;
  readonly isPaused: boolean;
}

export interface LiveDeliveryHooks {
  /** Moves the committed position of the inbox. */
  readonly commit: (position: Position) => Promise<Position>;
  /** Called once. */
  readonly ended: () => void;
}

/** One reader: a pump, its window, and what was handed to it. */
export class LiveDelivery implements Attachment {
  readonly start: Position;
  readonly #pump: Pump;
  readonly #sink: Sink;
  readonly #hooks: LiveDeliveryHooks;
  readonly #counts: DeliveryCounts;
  #window: number;
  #ackedOffset: number;
  /** The last record that the reader got: what was left out on the way takes no room in its window. */
  #handedOffset: number;
  #isPaused = false;
  #isSinkFull = false;
  #hasEnded = false;

  constructor(deps: LiveDeliveryDeps, options: LiveDeliveryOptions, hooks: LiveDeliveryHooks) {
    this.start = options.start;
    this.#sink = options.sink;
    this.#hooks = hooks;
    this.#window = options.window;
    this.#isPaused = options.isPaused;
    this.#ackedOffset = options.start.offset;
    this.#handedOffset = options.start.offset;
    this.#counts = deps.counts;
    const source = sourceFromLog(deps.log, options.stream);
    this.#pump = new Pump(source, this.#reportingSink(deps.receipts, options), options.start, {
      pageSize: PAGE_SIZE,
      retryMs: RETRY_MS,
      ...(deps.log.traits.lossyWakes ? { safetyReadMs: SAFETY_READ_MS } : {}),
      resolver: deps.delivery.resolver(options.stream),
      room: () => this.#room(),
      onReadError: (error) => deps.logger.warn("inbox.not_read", { stream: options.stream, error }),
      onEnd: () => this.#finish(),
    });
  }

  begin(): void {
    this.#counts.open += 1;
    this.#pump.start();
  }

  async ack(position: Position): Promise<Position> {
    const committed = await this.#hooks.commit(position);
    // A replay of what was committed before is paced by its own acks.
    this.acknowledged(position.offset);
    return committed;
  }

  /** By this reader or another one of the same inbox. */
  acknowledged(offset: number): void {
    if (offset <= this.#ackedOffset) return;
    this.#ackedOffset = offset;
    if (this.#window > 0) this.#goOn();
  }

  pause(): void {
    this.#isPaused = true;
    this.#pump.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#goOn();
  }

  setWindow(window: number): void {
    this.#window = window;
    this.#goOn();
  }

  detach(): void {
    this.#pump.stop();
    this.#finish();
  }

  end(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.detach();
    this.#sink.close(reason);
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#counts.open -= 1;
    this.#hooks.ended();
  }

  /** Who paused the pump does not matter: it looks at the room before it reads. */
  #goOn(): void {
    if (this.#room() > 0) this.#pump.resume();
  }

  #room(): number {
    if (this.#isPaused || this.#isSinkFull) return 0;
    if (this.#window === 0) return Number.POSITIVE_INFINITY;
    return this.#window - Math.max(0, this.#handedOffset - this.#ackedOffset);
  }

  /** The sink, with the receipts told of what it took. */
  #reportingSink(receipts: Receipts, { stream, sink }: LiveDeliveryOptions): Sink {
    return {
      write: (records): SinkState => {
        this.#handedOffset = records.at(-1)?.offset ?? this.#handedOffset;
        const answer = sink.write(records);
        if (answer !== "closed") {
          receipts.handed(stream, records);
          this.#counts.delivered += records.length;
        }
        if (answer === "full") this.#isSinkFull = true;
        return answer;
      },
      onReady: () =>
        sink.onReady(() => {
          if (this.#isSinkFull) this.#counts.pauses += 1;
          this.#isSinkFull = false;
          this.#goOn();
        }),
      close: (reason) => sink.close(reason),
    };
  }
}
