import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fullBucket, refillBucket, retryAfterS, takeToken } from "../../../src/model/token-bucket.ts";

const rate = fc.record({
  burst: fc.integer({ min: 1, max: 100 }),
  perMinute: fc.integer({ min: 1, max: 6_000 }),
});

describe("token bucket", () => {
  it("never gives more than its burst plus what ran in, whatever the clock does", () => {
    fc.assert(
      fc.property(rate, fc.array(fc.integer({ min: -5_000, max: 20_000 })), (at, moves) => {
        let nowMs = 0;
        let latestMs = 0;
        let taken = 0;
        let bucket = fullBucket(at, nowMs);
        for (const move of moves) {
          nowMs += move;
          latestMs = Math.max(latestMs, nowMs);
          bucket = refillBucket(bucket, at, nowMs);
          const after = takeToken(bucket);
          if (after !== bucket) taken += 1;
          bucket = after;
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(at.burst);
        }
        expect(taken).toBeLessThanOrEqual(at.burst + (latestMs * at.perMinute) / 60_000 + 1e-6);
      }),
    );
  });

  it("holds a token when it said that it would, and not a whole second before", () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 0, max: 100_000 }), (at, waitMs) => {
        let bucket = fullBucket(at, 0);
        for (let count = 0; count < at.burst; count += 1) bucket = takeToken(bucket);
        bucket = refillBucket(bucket, at, Math.min(waitMs, 60_000 / at.perMinute - 1));
        const seconds = retryAfterS(bucket, at);
        const later = refillBucket(bucket, at, bucket.atMs + seconds * 1_000 + 1);
        expect(later.tokens).toBeGreaterThanOrEqual(1);
        if (seconds > 1) {
          const sooner = refillBucket(bucket, at, bucket.atMs + (seconds - 1) * 1_000 - 1);
          expect(sooner.tokens).toBeLessThan(1);
        }
      }),
    );
  });
});
