const FIRST_MS = 500;
const MOST_MS = 30_000;

/**
 * How long to wait before try number `attempt` (0 = the first repeat): doubling from half a second to half a
 * minute, between half and all of it by chance, so that clients that lost the same hub do not return as one.
 */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling * (0.5 + random() / 2));
}
