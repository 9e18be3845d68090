import type { InMessage, Place } from "../support/session-wire.ts";

/** What the readers of one inbox were handed, over all rounds, and everything wrong with how they were handed it. */
export class InboxWatch {
  readonly agentId: string;
  /** The id at offset index + 1. */
  readonly ids: string[] = [];
  readonly violations: string[] = [];
  /** Records of the inbox that earlier rounds have checked. */
  storedBefore = 0;
  delivered = 0;
  redelivered = 0;
  /** Highest position that a reader acknowledged, and the highest that the hub confirmed. */
  askedAck = 0;
  confirmedAck = 0;
  #next = 1;

  constructor(agentId: string) {
    this.agentId = agentId;
  }

  /** A reader begins behind `start`. */
  begin(start: Place, from: "committed" | "cursor"): void {
    this.#next = start.offset + 1;
    if (from === "cursor") return;
    if (start.offset < this.confirmedAck) {
      this.#wrong(`the committed position went back from ${this.confirmedAck} to ${start.offset}`);
    }
    if (start.offset > this.askedAck) {
      this.#wrong(`the committed position is ${start.offset}, only ${this.askedAck} was acknowledged`);
    }
  }

  take(messages: readonly InMessage[]): void {
    for (const { epoch, offset, id } of messages) {
      if (epoch !== 1) this.#wrong(`epoch ${epoch} at ${offset}`);
      if (offset !== this.#next) this.#wrong(`${offset} was handed over where ${this.#next} was due`);
      this.#next = offset + 1;
      const before = this.ids[offset - 1];
      if (before === undefined) {
        if (offset !== this.ids.length + 1) this.#wrong(`${offset} came first after ${this.ids.length}`);
        this.ids[offset - 1] = id;
        this.delivered += 1;
      } else {
        this.redelivered += 1;
        if (before !== id) this.#wrong(`${offset} was ${before} and is now ${id}`);
      }
    }
  }

  asked(offset: number): void {
    this.askedAck = Math.max(this.askedAck, offset);
  }

  confirmed(offset: number): void {
    if (offset > this.askedAck) this.#wrong(`an ack of ${offset} was confirmed, nobody asked for it`);
    this.confirmedAck = Math.max(this.confirmedAck, offset);
  }

  #wrong(what: string): void {
    if (this.violations.length < 20) this.violations.push(`${this.agentId}: ${what}`);
  }
}
