/** Runs work on one key strictly one after the other; work on different keys does not wait for each other. */
export interface Turns {
  take<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
  /** When all that was taken until now has ended, well or not. */
  settled(): Promise<void>;
}

export function createTurns(): Turns {
  const lasts = new Map<string, Promise<unknown>>();
  return {
    async take(key, work) {
      const before = lasts.get(key);
      const mine = before === undefined ? work() : before.then(work, work);
      lasts.set(key, mine);
      try {
        return await mine;
      } finally {
        if (lasts.get(key) === mine) lasts.delete(key);
      }
    },
    async settled() {
      await Promise.allSettled(lasts.values());
    },
  };
}
