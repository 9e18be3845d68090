import type { DeliveryCounts } from "../model/counts.ts";
import type { Position } from "../model/position.ts";
import type { WatchedCredential } from "../ports/credential-watch.ts";
import type { StreamName } from "../ports/message-log.ts";
import type { CloseReason, Sink } from "../ports/sink.ts";
import { type FeedReader, LiveFeed, type LiveFeedDeps } from "./live-feed.ts";
import type { Attachment } from "./messages.ts";
import { Pump } from "./pump.ts";

export interface LiveDeliveryOptions {
  readonly agentId: string;
  /** The delivery ends with it. */
  readonly credential: WatchedCredential;
  /** Takes back that the agent counts as online because of this delivery. */
  readonly detachPresence: () => void;
  readonly stream: StreamName;
  readonly start: Position;
  readonly sink: Sink;
  /** 0 = unbounded. */
  readonly window: number;
  readonly isPaused: boolean;
}

/** Who keeps the live deliveries. */
export interface LiveDeliveryOwner {
  /** Moves the committed position of the agent's inbox. */
  commit(agentId: string, position: Position): Promise<Position>;
  /** Called once. */
  ended(live: LiveDelivery): void;
}

/** One reader: a pump, its window, and what was handed to it. */
export class LiveDelivery implements Attachment, FeedReader {
  readonly agentId: string;
  readonly start: Position;
  readonly credential: WatchedCredential;
  readonly detachPresence: () => void;
  readonly #pump: Pump;
  readonly #sink: Sink;
  readonly #owner: LiveDeliveryOwner;
  readonly #counts: DeliveryCounts;
  #window: number;
  #ackedOffset: number;
  /** The last record that the reader got: what was left out on the way takes no room in its window. */
  #handedOffset: number;
  #isPaused: boolean;
  #isSinkFull = false;
  #hasEnded = false;

  constructor(deps: LiveFeedDeps, owner: LiveDeliveryOwner, options: LiveDeliveryOptions) {
    const { start, sink } = options;
    this.agentId = options.agentId;
    this.start = start;
    this.credential = options.credential;
    this.detachPresence = options.detachPresence;
    this.#sink = sink;
    this.#owner = owner;
    this.#counts = deps.counts;
    this.#window = options.window;
    this.#isPaused = options.isPaused;
    this.#ackedOffset = start.offset;
    this.#handedOffset = start.offset;
    const feed = new LiveFeed(deps, options.stream, sink, this);
    this.#pump = new Pump(feed, feed, start, feed);
  }

  begin(): void {
    this.#counts.open += 1;
    this.#pump.start();
  }

  async ack(position: Position): Promise<Position> {
    const committed = await this.#owner.commit(this.agentId, position);
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
    this.ended();
  }

  end(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.detach();
    this.#sink.close(reason);
  }

  room(): number {
    if (this.#isPaused || this.#isSinkFull) return 0;
    if (this.#window === 0) return Number.POSITIVE_INFINITY;
    return this.#window - Math.max(0, this.#handedOffset - this.#ackedOffset);
  }

  handed(offset: number): void {
    this.#handedOffset = offset;
  }

  sinkIsFull(): void {
    this.#isSinkFull = true;
  }

  sinkIsReady(): void {
    if (this.#isSinkFull) this.#counts.pauses += 1;
    this.#isSinkFull = false;
    this.#goOn();
  }

  ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#counts.open -= 1;
    this.#owner.ended(this);
  }

  /** Who paused the pump does not matter: it looks at the room before it reads. */
  #goOn(): void {
    if (this.room() > 0) this.#pump.resume();
  }
}
