/** How deliveries are tried again. */
export interface RetryPolicy {
  /** The first wait, at most; each one more is twice as long. */
  readonly firstMs: number;
  readonly mostMs: number;
  /** From the first failure on: then it is given up. */
  readonly giveUpMs: number;
}

/**
 * How long to wait after so many failures: between half and all of what doubles each time, so that many that failed
 * together do not come back together. What the server asks for counts when it is longer, but not beyond `giveUpMs`.
 */
export function waitAfter(
  failures: number,
  { firstMs, mostMs, giveUpMs }: RetryPolicy,
  askedMs = 0,
  random: () => number = Math.random,
): number {
  const doubledMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  const ownMs = doubledMs * (0.5 + random() / 2);
  return Math.round(Math.max(ownMs, Math.min(askedMs, giveUpMs)));
}

/** Ends early, without a word, when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener("abort", end, { once: true });
  });
}
