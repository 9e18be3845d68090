import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { newCounts } from "../../../src/model/counts.ts";
import { unauthenticated } from "../../../src/model/principal.ts";
import { createAttempts, networkFromAddress } from "../../../src/registry/attempts.ts";
import { createHeldClock, createKeptLog } from "./registry-fixture.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function createFixture(perMinute: number) {
  const clock = createHeldClock();
  const { logger, lines } = createKeptLog();
  const counts = newCounts().attempts;
  const attempts = createAttempts({ perMinute, clock, logger, counts });
  const wrong = (address: string, times = 1): string[] =>
    Array.from({ length: times }, () => attempts.wrong(address, unauthenticated()).code);
  return { attempts, clock, lines, wrong, counts };
}

describe("attempts", () => {
  it("answers what was wrong until the limit, then rate_limited with the time to wait", () => {
    const { attempts, wrong, counts } = createFixture(3);
    expect(wrong("192.0.2.1", 4)).toEqual([
      "unauthenticated",
      "unauthenticated",
      "unauthenticated",
      "rate_limited",
    ]);
    expect(attempts.wrong("192.0.2.1", unauthenticated())).toMatchObject({ retryAfterS: 20 });
    expect(wrong("192.0.2.2")).toEqual(["unauthenticated"]);
    expect(counts).toEqual({ wrong: 6, refused: 2 });
  });

  it("opens again with time", () => {
    const { clock, wrong } = createFixture(3);
    wrong("192.0.2.1", 10);
    clock.advance(19_999);
    expect(wrong("192.0.2.1")).toEqual(["rate_limited"]);
    clock.advance(1);
    expect(wrong("192.0.2.1", 2)).toEqual(["unauthenticated", "rate_limited"]);
  });

  it("still checks after the limit, and refuses unchecked only after 20 times as many", () => {
    const { attempts, clock, wrong, counts } = createFixture(3);
    wrong("192.0.2.1", 59);
    expect(() => attempts.checkAllowed("192.0.2.1")).not.toThrow();
    wrong("192.0.2.1");
    expect(() => attempts.checkAllowed("192.0.2.1")).toThrow(
      expect.objectContaining({ code: "rate_limited", retryAfterS: 1 }),
    );
    expect(counts).toEqual({ wrong: 60, refused: 58 });
    expect(() => attempts.checkAllowed("192.0.2.2")).not.toThrow();
    clock.advance(1_000);
    expect(() => attempts.checkAllowed("192.0.2.1")).not.toThrow();
  });

  it("logs an address that passes the limit at most once a minute", () => {
    const { clock, lines, wrong } = createFixture(3);
    wrong("192.0.2.1", 50);
    expect(lines).toEqual([{ event: "attempts.exceeded", fields: { address: "192.0.2.1" } }]);
    clock.advance(60_000);
    wrong("192.0.2.1", 50);
    expect(lines).toHaveLength(2);
  });

  it("keeps no more of many networks than of few", () => {
    const { attempts } = createFixture(1);
    const flood = (count: number): number => {
      for (let n = 0; n < count; n++) {
        attempts.wrong(
          `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`,
          unauthenticated(),
        );
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const few = flood(20_000);
    const many = flood(100_000);
    // All of them would take five times this.
    expect(many - few).toBeLessThan(4_000_000);
  }, 30_000);

  it("forgets those that failed longest ago when there are too many addresses", () => {
    const { wrong } = createFixture(1);
    wrong("192.0.2.1", 2);
    for (let count = 0; count < 10_000; count += 1) wrong(`10.0.${count >> 8}.${count & 255}`);
    expect(wrong("192.0.2.1")).toEqual(["unauthenticated"]);
  });
});

describe("the network of an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.33", "64:ff9b:0:0::/64"],
    ["", ""],
  ])("of %s is %s", (address, network) => {
    expect(networkFromAddress(address)).toBe(network);
  });

  it("stays short whatever is given", () => {
    expect(networkFromAddress("x".repeat(10_000)).length).toBeLessThanOrEqual(64);
    expect(networkFromAddress(`${"0".repeat(5_000)}:${"f".repeat(5_000)}`).length).toBeLessThanOrEqual(64);
  });
});
