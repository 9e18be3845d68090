/** Whose call it is, and whom it goes to. */
export interface CallParties {
  /** In whose name the hub calls: who asks for much does not take the places of others. */
  readonly caller: string;
  /** The origin that is called. */
  readonly target: string;
}

/** How many places there are: whole numbers above nought. */
export interface PlaceBounds {
  readonly atOnce: number;
  readonly perCaller: number;
  readonly perTarget: number;
}

/** Gives a place up; nothing when it is called again. */
export type Leave = () => void;

/** Places for calls that are under way at once: so many in all, of one caller, and to one target. */
export class Places {
  readonly #bounds: PlaceBounds;
  readonly #callers = new Map<string, number>();
  readonly #targets = new Map<string, number>();
  #all = 0;

  constructor(bounds: PlaceBounds) {
    this.#bounds = bounds;
  }

  get taken(): number {
    return this.#all;
  }

  get isFull(): boolean {
    return this.#all >= this.#bounds.atOnce;
  }

  hasRoomFor({ caller, target }: CallParties): boolean {
    const { perCaller, perTarget } = this.#bounds;
    return (
      !this.isFull &&
      (this.#callers.get(caller) ?? 0) < perCaller &&
      (this.#targets.get(target) ?? 0) < perTarget
    );
  }

  /** Undefined when there is no room: nobody waits here. */
  take(parties: CallParties): Leave | undefined {
    if (!this.hasRoomFor(parties)) return undefined;
    const { caller, target } = parties;
    const count = (by: 1 | -1): void => {
      this.#all += by;
      addTo(this.#callers, caller, by);
      addTo(this.#targets, target, by);
    };
    count(1);
    let isTaken = true;
    return () => {
      if (isTaken) count(-1);
      isTaken = false;
    };
  }
}

function addTo(counts: Map<string, number>, name: string, by: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
