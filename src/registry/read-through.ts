import { createLru } from "../model/lru.ts";
import type { Clock } from "../ports/clock.ts";

/** Remembers what it loaded. */
export interface ReadThrough<Value> {
  /** At once when remembered, else by loading; calls at the same time share one load. Rejects as `load` does. */
  get(key: string): Value | undefined | Promise<Value | undefined>;
  /** Only what is remembered, without loading. */
  peek(key: string): Value | undefined;
  /** After this, no answer is given that was loaded before it to a `get` that comes after it. */
  forget(key: string): void;
  /** What is being loaded right now is answered, but not kept. */
  forgetLoading(): void;
}

export interface ReadThroughOptions<Value> {
  readonly load: (key: string) => Promise<Value | undefined>;
  readonly clock: Clock;
  readonly maxWeight: number;
  readonly weigh?: (value: Value) => number;
  /** Called for each value that is kept from now on, and for each that no longer is. */
  readonly onKeep?: (key: string, value: Value) => void;
  readonly onLeave?: (key: string, value: Value) => void;
  /** How long it remembers that there is nothing; 0 = not at all. */
  readonly absentMs: number;
}

/** Absent keys have a memory of their own, so that asking for made-up keys pushes out nothing that exists. */
const MAX_ABSENT = 10_000;

export function createReadThrough<Value>(options: ReadThroughOptions<Value>): ReadThrough<Value> {
  const { load, clock, absentMs } = options;
  const present = createLru<Value>(options);
  const absentUntilMs = createLru<number>({ maxWeight: MAX_ABSENT });
  const loading = new Map<string, Promise<Value | undefined>>();

  async function loadAndKeep(key: string): Promise<Value | undefined> {
    const promise = load(key);
    loading.set(key, promise);
    try {
      const value = await promise;
      // A key forgotten while loading may have changed after the store read it: use the answer, do not keep it.
      if (loading.get(key) === promise) keep(key, value);
      return value;
    } finally {
      if (loading.get(key) === promise) loading.delete(key);
    }
  }

  function keep(key: string, value: Value | undefined): void {
    if (value !== undefined) {
      options.onKeep?.(key, value);
      present.set(key, value);
    } else if (absentMs > 0) absentUntilMs.set(key, clock.steadyMs() + absentMs);
  }

  return {
    get(key) {
      const value = present.get(key);
      if (value !== undefined) return value;
      const untilMs = absentUntilMs.get(key);
      if (untilMs !== undefined && clock.steadyMs() < untilMs) return undefined;
      return loading.get(key) ?? loadAndKeep(key);
    },
    peek: (key) => present.get(key),
    forget(key) {
      present.delete(key);
      absentUntilMs.delete(key);
      loading.delete(key);
    },
    forgetLoading: () => loading.clear(),
  };
}
