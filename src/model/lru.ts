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

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly weight: number;
  /** The one used just before it, and the one used just after it. */
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
}

/** Every operation takes constant time (amortised); reading costs one lookup. */
export function createLru<Value>(options: LruOptions<Value>): Lru<Value> {
  const { maxWeight, weigh = () => 1, onLeave } = options;
  const entries = new Map<string, Entry<Value>>();
  let oldest: Entry<Value> | undefined;
  let newest: Entry<Value> | undefined;
  let weight = 0;

  function unlink(entry: Entry<Value>): void {
    if (entry.older === undefined) oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) newest = entry.older;
    else entry.newer.older = entry.older;
  }

  function linkAsNewest(entry: Entry<Value>): void {
    entry.older = newest;
    entry.newer = undefined;
    if (newest === undefined) oldest = entry;
    else newest.newer = entry;
    newest = entry;
  }

  function remove(key: string): boolean {
    const entry = entries.get(key);
    if (entry === undefined) return false;
    entries.delete(key);
    unlink(entry);
    weight -= entry.weight;
    onLeave?.(key, entry.value);
    return true;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry !== newest) {
        unlink(entry);
        linkAsNewest(entry);
      }
      return entry.value;
    },
    set(key, value) {
      remove(key);
      const added = weigh(value);
      if (added > maxWeight) return;
      const entry = { key, value, weight: added, older: undefined, newer: undefined };
      entries.set(key, entry);
      linkAsNewest(entry);
      weight += added;
      while (weight > maxWeight && oldest !== undefined) remove(oldest.key);
    },
    delete: remove,
    get size() {
      return entries.size;
    },
  };
}
