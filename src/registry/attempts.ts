import type { AttemptCounts } from "../model/counts.ts";
import { MeshError } from "../model/errors.ts";
import { createLru } from "../model/lru.ts";
import {
  type Bucket,
  type BucketRate,
  fullBucket,
  refillBucket,
  retryAfterS,
  takeToken,
} from "../model/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";

/**
 * The limit on wrong nonces, keys and tokens, by network address.
 *
 * It has two steps, because many agents can share one address (a NAT, a proxy, this very machine), and one of
 * them must not lock the others out:
 * 1. After `perMinute` wrong attempts, a further wrong one is answered `rate_limited` instead of what was wrong.
 *    A right credential still passes.
 * 2. After 20 times as many, what is not yet known to be right is refused unchecked, so that guessing costs the
 *    hub next to nothing. A credential that was right before, and is remembered, still passes.
 * All these secrets are random and of 128 bits or more: the limit saves work, it is not what makes guessing
 * hopeless. Both refill steadily and never go below empty, so they open again as soon as the guessing stops.
 */
export interface Attempts {
  /** To be called before a credential is looked up. @throws MeshError rate_limited in step 2 */
  checkAllowed(remoteAddress: string): void;
  /** Counts a wrong attempt and gives the error to throw: `answer`, or rate_limited in step 1. */
  wrong(remoteAddress: string, answer: MeshError): MeshError;
}

/** Addresses that are remembered: those that failed longest ago are forgotten first. */
const MAX_ADDRESSES = 10_000;
const UNCHECKED_FACTOR = 20;
const MAX_ADDRESS_CHARS = 64;
const LOG_EVERY_MS = 60_000;

interface Tracked {
  readonly answered: Bucket;
  readonly checked: Bucket;
  readonly loggedMs: number;
}

export function createAttempts(options: {
  readonly perMinute: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counts: AttemptCounts;
}): Attempts {
  const { perMinute, clock, logger, counts } = options;
  const answeredRate: BucketRate = { burst: perMinute, perMinute };
  const checkedRate: BucketRate = {
    burst: perMinute * UNCHECKED_FACTOR,
    perMinute: perMinute * UNCHECKED_FACTOR,
  };
  const tracked = createLru<Tracked>({ maxWeight: MAX_ADDRESSES });

  function current(address: string, nowMs: number): Tracked {
    const last = tracked.get(address);
    if (last === undefined) {
      return {
        answered: fullBucket(answeredRate, nowMs),
        checked: fullBucket(checkedRate, nowMs),
        loggedMs: Number.NEGATIVE_INFINITY,
      };
    }
    return {
      answered: refillBucket(last.answered, answeredRate, nowMs),
      checked: refillBucket(last.checked, checkedRate, nowMs),
      loggedMs: last.loggedMs,
    };
  }

  return {
    checkAllowed(remoteAddress) {
      if (tracked.size === 0) return;
      const { checked } = current(networkFromAddress(remoteAddress), clock.steadyMs());
      if (checked.tokens >= 1) return;
      counts.refused += 1;
      throw rateLimited(retryAfterS(checked, checkedRate));
    },
    wrong(remoteAddress, answer) {
      const nowMs = clock.steadyMs();
      const address = networkFromAddress(remoteAddress);
      const { answered, checked, loggedMs } = current(address, nowMs);
      const isOver = answered.tokens < 1;
      const isLogged = isOver && nowMs - loggedMs >= LOG_EVERY_MS;
      tracked.set(address, {
        answered: takeToken(answered),
        checked: takeToken(checked),
        loggedMs: isLogged ? nowMs : loggedMs,
      });
      counts.wrong += 1;
      if (isOver) counts.refused += 1;
      if (isLogged) logger.warn("attempts.exceeded", { address });
      return isOver ? rateLimited(retryAfterS(answered, answeredRate)) : answer;
    },
  };
}

function rateLimited(seconds: number): MeshError {
  return new MeshError("rate_limited", "too many wrong credentials from this address", {
    hint: "check the nonce, key or token before you try again",
    retryAfterS: seconds,
  });
}

/**
 * What one caller can be told apart by: an IPv4 address (also in its IPv6-mapped form), or the first 64 bits of
 * an IPv6 address, since whoever has one address has the other 2^64 too. Anything else stands for itself.
 */
export function networkFromAddress(address: string): string {
  if (!address.includes(":")) return address.slice(0, MAX_ADDRESS_CHARS);
  const mapped = /^(?:0{0,4}:){2,5}ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.toLowerCase().split("%", 1)[0]?.split("::", 2) ?? [];
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    // A group in dotted form counts for two.
    const width = after.length + (tail.includes(".") ? 1 : 0);
    while (groups.length + width < 8) groups.push("0");
    groups.push(...after);
  }
  const network = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`.slice(0, MAX_ADDRESS_CHARS);
}
