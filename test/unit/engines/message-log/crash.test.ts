import { describe, expect, it } from "vitest";
import { runCrashRounds } from "../../../soak/log-crash.ts";

const HASTY_TRIES = 5;

describe("kill -9 of a process that appends to the embedded log", () => {
  it.each(["power", "process"] as const)(
    "%s: nothing answered is lost, moved or doubled",
    {
      timeout: 120_000,
    },
    async (durability) => {
      const seed = `test-${durability}`;
      const result = await runCrashRounds({ rounds: 3, seed, durability, variant: "honest" });
      expect(result.violations).toEqual([]);
      expect(result.answered).toBeGreaterThan(100);
    },
  );

  it("is a check that finds out a process which tells of appends before they are answered", {
    timeout: 120_000,
  }, async () => {
    const missing: string[] = [];
    for (let turn = 1; turn <= HASTY_TRIES && missing.length === 0; turn++) {
      const result = await runCrashRounds({
        rounds: 1,
        seed: `hasty-${turn}`,
        durability: "power",
        variant: "hasty",
      });
      missing.push(...result.violations);
    }
    expect(missing[0]).toMatch(/^missing: /);
  });
});
