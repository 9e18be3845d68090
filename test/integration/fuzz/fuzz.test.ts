import { expect, test } from "vitest";
import { runCampaign } from "../../fuzz/campaign.ts";
import { WIRES } from "../../fuzz/wires/index.ts";

const SEED = 20_261_126;

test("2,000 hostile inputs on every wire: the hub lives, answers, and loses nothing", {
  timeout: 120_000,
}, async () => {
  const { thrown, findings, honestMessages } = await runCampaign({
    wires: WIRES,
    seed: SEED,
    inputs: 2000,
    rounds: 1,
    onProgress: () => undefined,
  });
  expect(findings).toEqual([]);
  expect(thrown).toBeGreaterThan(1500);
  expect(honestMessages).toBeGreaterThan(10);
});
