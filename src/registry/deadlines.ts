import type { Clock } from "../ports/clock.ts";

/** How late a jump of the wall clock is noticed. */
const CLOCK_CHECK_MS = 1_000;

/** What has an end by the wall clock. The end may be moved, followed by another `add`. */
export interface Ending {
  expiresUnixMs: number;
}

/**
 * Tells of each thing when its end has come: on time, and within a second when the wall clock jumps. One timer for
 * all, only while there is something to wait for; it does not keep the process alive.
 */
export class Deadlines<Thing extends Ending> {
  readonly #clock: Clock;
  readonly #passed: (thing: Thing) => void;
  readonly #things = new Set<Thing>();
  #timer: NodeJS.Timeout | undefined;
  #nextUnixMs = Number.POSITIVE_INFINITY;

  /** `passed` is called once for a thing, which is not kept any more by then. */
  constructor(clock: Clock, passed: (thing: Thing) => void) {
    this.#clock = clock;
    this.#passed = passed;
  }

  /** Infinity = it has no end. */
  add(thing: Thing): void {
    const { expiresUnixMs } = thing;
    if (expiresUnixMs === Number.POSITIVE_INFINITY) return;
    this.#things.add(thing);
    // One that is far would only put off the next look at the wall clock.
    const isSooner =
      expiresUnixMs < this.#nextUnixMs && expiresUnixMs - this.#clock.nowUnixMs() < CLOCK_CHECK_MS;
    if (this.#timer === undefined || isSooner) this.#start(expiresUnixMs);
  }

  delete(thing: Thing): void {
    this.#things.delete(thing);
    if (this.#things.size === 0) this.#stop();
  }

  #start(nextUnixMs: number): void {
    this.#stop();
    this.#nextUnixMs = nextUnixMs;
    const leftMs = Math.max(0, nextUnixMs - this.#clock.nowUnixMs());
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, CLOCK_CHECK_MS));
    this.#timer.unref();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#nextUnixMs = Number.POSITIVE_INFINITY;
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.nowUnixMs();
    let nextUnixMs = Number.POSITIVE_INFINITY;
    for (const thing of this.#things) {
      if (thing.expiresUnixMs > nowMs) nextUnixMs = Math.min(nextUnixMs, thing.expiresUnixMs);
      else {
        this.#things.delete(thing);
        this.#passed(thing);
      }
    }
    if (this.#things.size > 0) this.#start(nextUnixMs);
  }
}
