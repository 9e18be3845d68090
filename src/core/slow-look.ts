import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";

const LEAST_AGE_MS = 30_000;
/** A look at much takes a while: at most a twentieth of the time goes into looking. */
const REST_FACTOR = 20;

/** What is looked up when somebody asks, and not again soon. */
export interface SlowLook<Found> {
  /** As it was at most 30 s ago, or longer where a look takes seconds. Calls that come meanwhile share the look. */
  fresh(): Promise<Found>;
  /** The last that is known, at once; a look that is due is started. Undefined before the first. */
  latest(): Found | undefined;
}

export interface SlowLookDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How a look that failed is told in the log: noun.verb. */
  readonly event: string;
}

/** Looks as `look` does; what that rejects with, `fresh` rejects with. */
export function createSlowLook<Found>(
  look: () => Promise<Found>,
  { clock, logger, event }: SlowLookDeps,
): SlowLook<Found> {
  let last: Promise<Found> | undefined;
  let known: Found | undefined;
  let nextMs = 0;

  async function lookNow(): Promise<Found> {
    const startMs = clock.steadyMs();
    known = await look();
    const nowMs = clock.steadyMs();
    nextMs = nowMs + Math.max(LEAST_AGE_MS, REST_FACTOR * (nowMs - startMs));
    return known;
  }

  function fresh(): Promise<Found> {
    if (last !== undefined && clock.steadyMs() < nextMs) return last;
    nextMs = Number.POSITIVE_INFINITY;
    last = lookNow().catch((thrown: unknown) => {
      last = undefined;
      throw thrown;
    });
    return last;
  }

  return {
    fresh,
    latest() {
      fresh().catch((error: unknown) => logger.warn(event, { error }));
      return known;
    },
  };
}
