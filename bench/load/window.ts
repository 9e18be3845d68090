import type { Lane, LaneEvents } from "./lane.ts";

const ACCEPTED = 1;
const DELIVERED = 2;
const MAX_FAULTS = 5;

/** Keeps one lane's window full, and checks count, order and repeats of everything it is told. */
export class LaneWindow implements LaneEvents {
  lane: Lane | undefined;
  readonly faults: string[] = [];
  readonly sentAtMs: Float64Array;
  readonly acceptedAfterMs: Float64Array;
  readonly deliveredAfterMs: Float64Array;
  sent = 0;
  done = 0;
  #limit = 0;
  #untilMs = 0;
  #nextDelivery = 0;
  #dirty = false;
  readonly #state: Uint8Array;
  readonly #complete: number;
  readonly #options: WindowOptions;

  constructor(capacity: number, options: WindowOptions) {
    this.#options = options;
    this.#complete = options.awaitDelivery ? ACCEPTED | DELIVERED : ACCEPTED;
    this.#state = new Uint8Array(capacity);
    this.sentAtMs = new Float64Array(capacity);
    this.acceptedAfterMs = new Float64Array(capacity);
    this.deliveredAfterMs = new Float64Array(capacity);
  }

  get idle(): boolean {
    return this.done === this.sent && (this.sent >= this.#limit || performance.now() >= this.#untilMs);
  }

  /** Sends up to number `limit`, but nothing more after `untilMs`. */
  start(limit: number, untilMs: number): void {
    this.#limit = Math.min(limit, this.#state.length);
    this.#untilMs = untilMs;
    this.step();
  }

  accepted(seq: number): void {
    this.acceptedAfterMs[seq] = performance.now() - (this.sentAtMs[seq] ?? 0);
    this.#mark(seq, ACCEPTED);
  }

  delivered(seq: number): void {
    if (seq !== this.#nextDelivery) this.fault(`delivery ${seq} came in place of ${this.#nextDelivery}`);
    this.#nextDelivery = seq + 1;
    if (seq < 0) return;
    this.deliveredAfterMs[seq] = performance.now() - (this.sentAtMs[seq] ?? 0);
    this.#mark(seq, DELIVERED);
  }

  /** With one in flight there is nothing to gather; otherwise all that this turn of the loop read is answered at once. */
  turn(): void {
    if (this.#options.window === 1) this.step();
    else if (!this.#dirty) {
      this.#dirty = true;
      setImmediate(() => {
        this.#dirty = false;
        this.step();
      });
    }
  }

  step(): void {
    const lane = this.lane;
    if (lane === undefined) return;
    lane.acknowledge();
    const nowMs = performance.now();
    while (nowMs < this.#untilMs && this.sent < this.#limit && this.sent - this.done < this.#options.window) {
      this.sentAtMs[this.sent] = nowMs;
      lane.queue(this.sent++);
    }
    lane.flush();
    if (this.idle) this.#options.onIdle();
  }

  fault(text: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(text);
  }

  failed(error: Error): void {
    this.#options.onFailed(error);
  }

  #mark(seq: number, bit: number): void {
    const state = this.#state[seq] ?? 0;
    if (seq >= this.sent || (state & bit) !== 0) {
      this.fault(`message ${seq} was told twice or never sent`);
      return;
    }
    this.#state[seq] = state | bit;
    if ((state | bit) === this.#complete) this.done++;
  }
}

export type WindowOptions = {
  /** Messages in flight on one lane. A slot is free again when its message was accepted and delivered. */
  window: number;
  awaitDelivery: boolean;
  onIdle(): void;
  onFailed(error: Error): void;
};
