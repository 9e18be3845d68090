import { expect, test } from "vitest";
import { runSlow } from "../../fuzz/slow/run-slow.ts";
import { SHORT_SCENARIOS } from "../../fuzz/slow/scenarios.ts";
import { withTarget } from "../../fuzz/target.ts";

test("clients that take their time are ended, and disturb nobody", { timeout: 120_000 }, () =>
  withTarget({}, async (target) => {
    const { results, findings } = await runSlow(target, SHORT_SCENARIOS);
    expect(findings).toEqual([]);
    expect(results).toHaveLength(SHORT_SCENARIOS.length);
  }),
);
