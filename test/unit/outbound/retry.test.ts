import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import {
  failureFromStatus,
  failureFromUnknown,
  secondsFromRetryAfter,
} from "../../../src/outbound/delivery-failure.ts";
import { waitAfter } from "../../../src/outbound/retry.ts";

const POLICY = { firstMs: 1000, mostMs: 60_000, giveUpMs: 3_600_000 };
const head = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers,
  url: "https://a.test/secret-path",
});

describe("waiting", () => {
  it("doubles, within half and all of it, up to the most", () => {
    expect([1, 2, 3, 7, 1000].map((failures) => waitAfter(failures, POLICY, 0, () => 1))).toEqual([
      1000, 2000, 4000, 60_000, 60_000,
    ]);
    expect([1, 2, 1000].map((failures) => waitAfter(failures, POLICY, 0, () => 0))).toEqual([
      500, 1000, 30_000,
    ]);
  });

  it("is never shorter than asked for, nor longer than patience, whatever is asked", () => {
    const asked = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        asked,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, ms, r) => {
          const waitMs = waitAfter(n, POLICY, ms, () => r);
          expect(waitMs).toBeGreaterThanOrEqual(Math.floor(Math.min(ms, POLICY.giveUpMs)));
          expect(waitMs).toBeGreaterThanOrEqual(500);
          expect(waitMs).toBeLessThanOrEqual(POLICY.giveUpMs);
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  const NOW_MS = Date.parse("2026-11-26T12:00:00Z");
  it.each([
    ["120", 120],
    ["0", 0],
    ["Thu, 26 Nov 2026 12:01:40 GMT", 100],
    ["Thu, 26 Nov 2026 11:00:00 GMT", 0],
    ["-5", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j is %j seconds", (text, seconds) => {
    expect(secondsFromRetryAfter(text, NOW_MS)).toBe(seconds);
  });
});

describe("failures", () => {
  it.each([
    [410, true, true],
    [404, false, true],
    [401, false, true],
    [429, false, false],
    [500, false, false],
    [503, false, false],
    [302, false, true],
  ])("a status %i: final %s, the server is up %s", (status, isFinal, isAnswer) => {
    const failure = failureFromStatus(head(status, { "retry-after": "9" }), 0);
    expect(failure).toMatchObject({ isFinal, isAnswer, retryAfterMs: 9000 });
    expect(failure.message).toBe(`a.test answered ${status}`);
  });

  it("are final when trying again as it is cannot help", () => {
    for (const code of ["permission_denied", "invalid_argument", "too_large"] as const) {
      expect(failureFromUnknown(new MeshError(code, "why"))).toMatchObject({ isFinal: true, message: "why" });
    }
    expect(failureFromUnknown(new MeshError("unavailable", "why")).isFinal).toBe(false);
    expect(failureFromUnknown(new TypeError("x is not a function")).message).toBe(
      "the hub failed to deliver it",
    );
  });
});
