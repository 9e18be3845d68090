/** A map that forgets what was not used for longest. Reading counts as use. */
export interface Lru<Value> {
  get(key: string): Value | undefined;
  /** Keeps the value, unless it alone weighs more than the whole map may. */
  set(key: string, value: Value): void;
  delete(key: string): boolean;
  readonly size: number;
}

export interface LruOptions<Value> {
  /** The sum of the weights that is kept at most. */
  readonly maxWeight: number;
  /** 1 for each value unless given; at least 1. */
  readonly weigh?: (value: Value) => number;
  /** Called for each value that leaves: pushed out, replaced or deleted. */
  readonly onLeave?: (key: string, value: Value) => void;
}

/** Every operation takes constant time (amortised). */
export function createLru<Value>(options: LruOptions<Value>): Lru<Value> {
  const { maxWeight, weigh = () => 1, onLeave } = options;
  // A Map keeps the order of insertion: the first key is the one not used for longest.
  const entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  let weight = 0;

  function remove(key: string): boolean {
    const entry = entries.get(key);
    if (entry === undefined) return false;
    entries.delete(key);
    weight -= entry.weight;
    onLeave?.(key, entry.value);
    return true;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      remove(key);
      const added = weigh(value);
      if (added > maxWeight) return;
      entries.set(key, { value, weight: added });
      weight += added;
      for (const oldest of entries.keys()) {
        if (weight <= maxWeight) break;
        remove(oldest);
      }
    },
    delete: remove,
    get size() {
      return entries.size;
    },
  };
}
