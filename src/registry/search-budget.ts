import { MeshError } from "../model/errors.ts";
import { createLru } from "../model/lru.ts";
import type { Principal } from "../model/principal.ts";
import {
  type Bucket,
  type BucketRate,
  fullBucket,
  refillBucket,
  retryAfterS,
} from "../model/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * The time that a caller's searches may take from the thread that also moves messages: two seconds at once, and
 * a tenth of the time in the long run. Strangers share one budget; the operator has none to keep.
 */
export interface SearchBudget {
  /** @throws MeshError rate_limited when it is used up */
  check(principal: Principal): void;
  spend(principal: Principal, ms: number): void;
}

/** In milliseconds of search. */
const RATE: BucketRate = { burst: 2_000, perMinute: 6_000 };
const MAX_CALLERS = 10_000;

export function createSearchBudget(clock: Clock): SearchBudget {
  const buckets = createLru<Bucket>({ maxWeight: MAX_CALLERS });

  function current(caller: string): Bucket {
    const nowMs = clock.steadyMs();
    return refillBucket(buckets.get(caller) ?? fullBucket(RATE, nowMs), RATE, nowMs);
  }

  return {
    check(principal) {
      if (principal.kind === "admin") return;
      const bucket = current(callerFrom(principal));
      if (bucket.tokens >= 1) return;
      throw new MeshError("rate_limited", "your searches take more of the hub's time than they may", {
        hint: "search less often, with fewer and longer words, or list by capability",
        retryAfterS: retryAfterS(bucket, RATE),
      });
    },
    spend(principal, ms) {
      if (principal.kind === "admin") return;
      const caller = callerFrom(principal);
      const { tokens, atMs } = current(caller);
      // Below empty on purpose: a long search is paid for afterwards.
      buckets.set(caller, { tokens: tokens - ms, atMs });
    },
  };
}

/** No agent has an empty id. */
function callerFrom(principal: Principal): string {
  return principal.kind === "agent" ? principal.agentId : "";
}
