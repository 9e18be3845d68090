import { pushAck } from "../hub-codec.ts";
import type { HubDelivery } from "../hub-frame-reader.ts";
import { HubSocket } from "../hub-socket.ts";
import type { LaneEvents } from "./lane.ts";
import type { LanePayload } from "./payload.ts";

export type HubReaderEvents = Pick<LaneEvents, "delivered" | "turn" | "fault" | "failed">;

const CONFIRM_TIMEOUT_MS = 10_000;

/** Receives one new inbox, of which nothing is missing and which has one sender, and acknowledges in batches. */
export class HubReader {
  lastOffset = 0;
  /** Messages of the sender. */
  received = 0;
  #epoch = 0;
  #acknowledged = 0;
  #confirmed = 0;
  #onConfirmed: (() => void) | undefined;
  #socket: HubSocket | undefined;
  readonly #payload: LanePayload;
  readonly #events: HubReaderEvents;

  static async open(
    port: number,
    token: string,
    payload: LanePayload,
    events: HubReaderEvents,
  ): Promise<HubReader> {
    const reader = new HubReader(payload, events);
    reader.#socket = await HubSocket.open(port, token, {
      result: (ref) => events.fault(`the receiver got a result for ${ref}`),
      delivery: (delivery) => reader.#onDelivery(delivery),
      acked: (epoch, offset) => reader.#onAcked(epoch, offset),
      refused: (text) => events.fault(text),
      turn: () => events.turn(),
      failed: (error) => events.failed(error),
    });
    return reader;
  }

  private constructor(payload: LanePayload, events: HubReaderEvents) {
    this.#payload = payload;
    this.#events = events;
  }

  /** One cumulative acknowledgement of everything since the last one. */
  acknowledge(): void {
    if (this.#socket === undefined || this.lastOffset === this.#acknowledged) return;
    this.#acknowledged = this.lastOffset;
    pushAck(this.#socket.outbox, this.#epoch, this.lastOffset);
  }

  flush(): void {
    this.#socket?.flush();
  }

  /** Answers when the committed position is the last delivery. */
  async finish(): Promise<void> {
    this.acknowledge();
    this.flush();
    if (this.#confirmed === this.lastOffset) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onConfirmed = resolve;
    const late = setTimeout(() => {
      this.#events.fault(`acknowledged ${this.lastOffset}, the hub confirmed ${this.#confirmed}`);
      resolve();
    }, CONFIRM_TIMEOUT_MS);
    await promise;
    clearTimeout(late);
  }

  close(): void {
    this.#socket?.close();
  }

  #onDelivery({ epoch, offset, buffer, payloadStart, payloadEnd }: HubDelivery): void {
    if (offset !== this.lastOffset + 1) this.#events.fault(`offset ${offset} after ${this.lastOffset}`);
    this.lastOffset = offset;
    this.#epoch = epoch;
    const seq = this.#payload.read(buffer, payloadStart, payloadEnd);
    // The hub may have told this inbox something before; afterwards everything must be the sender's.
    if (seq < 0 && this.received === 0) return;
    this.received++;
    this.#events.delivered(seq);
  }

  #onAcked(epoch: number, offset: number): void {
    if (epoch !== this.#epoch) this.#events.fault(`epoch ${epoch} confirmed, delivered in ${this.#epoch}`);
    this.#confirmed = offset;
    if (offset >= this.lastOffset) this.#onConfirmed?.();
  }
}
