import { type CallParties, type Leave, type PlaceBounds, Places } from "./places.ts";

interface Waiting {
  readonly parties: CallParties;
  readonly begin: (leave: Leave) => void;
}

/**
 * Bounds how many calls are under way. When there is no room they wait, and callers take turns: each that has something
 * waiting gets one place, then the next caller does. Who waits for a slow target holds up neither other callers nor its
 * own calls to other targets.
 */
export class FairGate {
  readonly #places: Places;
  /** By caller, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(bounds: PlaceBounds) {
    this.#places = new Places(bounds);
  }

  /** Calls under way. */
  get running(): number {
    return this.#places.taken;
  }

  /** A place, when it is this call's turn. @throws the signal's reason when that aborts first */
  async enter(parties: CallParties, signal: AbortSignal): Promise<Leave> {
    signal.throwIfAborted();
    const leave = this.#places.take(parties) ?? (await this.#turn(parties, signal));
    return () => {
      leave();
      this.#letIn();
    };
  }

  #turn(parties: CallParties, signal: AbortSignal): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#forget(waiting);
        reject(signal.reason);
      };
      const begin = (leave: Leave): void => {
        signal.removeEventListener("abort", giveUp);
        resolve(leave);
      };
      const waiting = { parties, begin };
      const queue = this.#waiting.get(parties.caller) ?? [];
      queue.push(waiting);
      this.#waiting.set(parties.caller, queue);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #letIn(): void {
    while (!this.#places.isFull) {
      const next = this.#next();
      const leave = next && this.#places.take(next.parties);
      if (next === undefined || leave === undefined) return;
      next.begin(leave);
    }
  }

  /** Of the caller whose turn it is, the first that there is room for; that caller's next turn comes last then. */
  #next(): Waiting | undefined {
    for (const [caller, queue] of this.#waiting) {
      const next = queue.find(({ parties }) => this.#places.hasRoomFor(parties));
      if (next === undefined) continue;
      this.#forget(next);
      if (this.#waiting.delete(caller)) this.#waiting.set(caller, queue);
      return next;
    }
    return undefined;
  }

  #forget(waiting: Waiting): void {
    const { caller } = waiting.parties;
    const queue = this.#waiting.get(caller) ?? [];
    const at = queue.indexOf(waiting);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) this.#waiting.delete(caller);
  }
}
