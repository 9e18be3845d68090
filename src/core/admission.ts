import type { PlanName } from "../model/agent.ts";
import type { Priority } from "../model/envelope.ts";
import { MeshError } from "../model/errors.ts";
import { createLru } from "../model/lru.ts";
import { type Bucket, drawToken, fullBucket, retryAfterS } from "../model/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";

/** What a plan allows. Infinity = no quota. */
export interface Plan {
  readonly messagesPerMonth: number;
  readonly ownedChannels: number;
  /** Under pressure its messages count as one priority higher. */
  readonly isPreferred: boolean;
}

/** What each plan allows. */
export const PLANS: Readonly<Record<PlanName, Plan>> = {
  open: {
    messagesPerMonth: Number.POSITIVE_INFINITY,
    ownedChannels: Number.POSITIVE_INFINITY,
    isPreferred: false,
  },
  free: { messagesPerMonth: 1000, ownedChannels: 3, isPreferred: false },
  pro: {
    messagesPerMonth: Number.POSITIVE_INFINITY,
    ownedChannels: Number.POSITIVE_INFINITY,
    isPreferred: true,
  },
};

const TRACKED_AGENTS = 100_000;

export interface AdmissionDeps {
  readonly directory: Directory;
  readonly clock: Clock;
  /** Messages that the agent sent this month; answers at once when it remembers. */
  readonly sentThisMonth: (agentId: string) => number | Promise<number>;
  readonly ratePerMinute: number;
}

/** To be called when the message that was let in is counted, or was refused after all. */
export type Release = () => void;

/** Lets a message in, or says when to come again. */
export interface Admission {
  /**
   * A promise only when something must be looked up; it gives a release when the message takes a place in a quota.
   * @throws MeshError rate_limited, quota_exceeded
   */
  admit(agentId: string): undefined | Promise<Release | undefined>;
  /** What a message of the agent counts as when not all can be taken. */
  priority(agentId: string, asked: Priority): Priority;
}

/** Counts by agent: a bucket of `ratePerMinute` tokens that refills in a minute, and the plan's monthly quota. */
export function createAdmission(deps: AdmissionDeps): Admission {
  const rate = { burst: deps.ratePerMinute, perMinute: deps.ratePerMinute };
  const buckets = createLru<Bucket>({ maxWeight: TRACKED_AGENTS });
  /** Messages that were let in and are not counted yet, so that many at once do not pass the quota together. */
  const underWay = new Map<string, number>();

  function takeRate(agentId: string): void {
    const nowMs = deps.clock.steadyMs();
    let bucket = buckets.get(agentId);
    if (bucket === undefined) {
      bucket = fullBucket(rate, nowMs);
      buckets.set(agentId, bucket);
    }
    if (drawToken(bucket, rate, nowMs)) return;
    throw new MeshError("rate_limited", `more than ${rate.perMinute} messages a minute`, {
      hint: "wait, then send again",
      retryAfterS: retryAfterS(bucket, rate),
    });
  }

  async function checkQuota(agentId: string): Promise<Release | undefined> {
    const agent = await deps.directory.lookup(agentId);
    const quota = PLANS[agent?.plan ?? "open"].messagesPerMonth;
    if (!Number.isFinite(quota)) return undefined;
    const loaded = await deps.sentThisMonth(agentId);
    // What was loaded may be behind already; what is remembered is not.
    const remembered = deps.sentThisMonth(agentId);
    const pending = underWay.get(agentId) ?? 0;
    if ((typeof remembered === "number" ? remembered : loaded) + pending >= quota) {
      throw new MeshError("quota_exceeded", `the plan's ${quota} messages of this month are used up`, {
        hint: "wait for the next month, or ask the operator for another plan",
        retryAfterS: secondsToNextMonth(deps.clock.nowUnixMs()),
      });
    }
    underWay.set(agentId, pending + 1);
    return () => release(agentId);
  }

  function release(agentId: string): void {
    const pending = underWay.get(agentId) ?? 0;
    if (pending > 1) underWay.set(agentId, pending - 1);
    else underWay.delete(agentId);
  }

  return {
    admit(agentId) {
      takeRate(agentId);
      const agent = deps.directory.lookup(agentId);
      const isUnmetered = agent !== undefined && !(agent instanceof Promise) && agent.plan !== "free";
      return isUnmetered ? undefined : checkQuota(agentId);
    },
    priority(agentId, asked) {
      const agent = deps.directory.lookup(agentId);
      const isKnown = agent !== undefined && !(agent instanceof Promise);
      if (!isKnown || !PLANS[agent.plan].isPreferred) return asked;
      return asked === "low" ? "normal" : "high";
    },
  };
}

function secondsToNextMonth(nowUnixMs: number): number {
  const now = new Date(nowUnixMs);
  return Math.ceil((Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - nowUnixMs) / 1000);
}
