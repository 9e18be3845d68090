import { expect, test } from "vitest";
import { runCampaign } from "../../fuzz/campaign.ts";
import { WIRES, WIRES_WITH_TLS } from "../../fuzz/wires/index.ts";

const SEED = 20_261_126;

test.each([
  ["2,000 hostile inputs on every wire", 2000, WIRES, false],
  ["1,500 through TLS, and below it", 1500, WIRES_WITH_TLS, true],
] as const)(
  "%s: the hub lives, answers, and loses nothing",
  {
    timeout: 120_000,
  },
  async (_name, inputs, wires, isTls) => {
    const { thrown, findings, honestMessages } = await runCampaign({
      ...{ wires, inputs, isTls },
      seed: SEED,
      rounds: 1,
      onProgress: () => undefined,
    });
    expect(findings).toEqual([]);
    expect(thrown).toBeGreaterThan(inputs * 0.75);
    expect(honestMessages).toBeGreaterThan(10);
  },
);
