/**
 * Proves over the real wires that nothing acknowledged is lost: 256 writers, kill -9 at a moment drawn from the seed,
 * restart on the same data directory, and everything that was answered held against what is there.
 *
 * `npm run soak -- [--rounds 20] [--seed N] [--quick] [--write]`; --quick: fewer writers and less traffic;
 * --write: puts the figures into docs/reliability.md. Exit code 1 when anything is lost or wrong.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withHub } from "../support/hub.ts";
import { assembleCast } from "./cast.ts";
import { showFigures, writeFigures } from "./figures.ts";
import { playRound, type RoundFigures, type RoundResult } from "./round.ts";

const SHOWN = 10;
const ENV = { MESHKORE_RATE_PER_MINUTE: "1000000000", MESHKORE_HISTORY_DAYS: "3650" };

interface Scale {
  readonly rounds: number;
  readonly seed: string;
  readonly writers: number;
  readonly receivers: number;
  readonly trafficMs: number;
  readonly isHasty?: boolean;
}

/** Rounds on one data directory; ends at the first that finds something. */
async function playRounds(scale: Scale, told: (result: RoundResult) => void): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "meshkore-soak-"));
  try {
    await withHub({ dataDir, env: ENV }, async (hub) => {
      const cast = await assembleCast(hub, scale);
      for (let round = 1; round <= scale.rounds; round++) {
        const durability = round % 2 === 1 ? "process" : "power";
        const { seed, trafficMs, isHasty } = scale;
        const result = await playRound({
          hub,
          cast,
          seed,
          round,
          trafficMs,
          durability,
          ...(isHasty === true && { isHasty }),
        });
        told(result);
        if (hub.log() !== "") console.log(hub.log().slice(-2000));
        if (result.lost.length + result.violations.length > 0) return;
      }
    });
  } finally {
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Clients that claim acknowledgement before the answer: a check that does not find it out proves nothing. */
async function proveThatTheCheckCanFail(seed: string): Promise<boolean> {
  let found = 0;
  const scale = { rounds: 1, seed, writers: 32, receivers: 6, trafficMs: 250, isHasty: true };
  await playRounds(scale, (result) => {
    found = result.lost.length;
  });
  console.log(
    found > 0
      ? `negative control: ${found} sends claimed as accepted too early were found missing, as they must be`
      : "negative control FAILED: clients claimed what was never accepted, and nothing was found missing",
  );
  return found > 0;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  const { seed, quick } = values;
  console.log(`soak: seed ${seed}, ${values.rounds} rounds`);
  let isGood = await proveThatTheCheckCanFail(seed);
  const figures: RoundFigures[] = [];
  const scale = quick
    ? { writers: 64, receivers: 12, trafficMs: 500 }
    : { writers: 256, receivers: 34, trafficMs: 1500 };
  await playRounds({ ...scale, rounds: Number(values.rounds), seed }, (result) => {
    figures.push(result.figures);
    const { lost, violations } = result;
    console.log(showFigures(result.figures, { lost: lost.length, violations: violations.length }));
    for (const line of [...lost, ...violations].slice(0, SHOWN)) console.error(`  ${line}`);
    if (lost.length + violations.length > 0) isGood = false;
  });
  if (isGood && values.write) await writeFigures({ seed, writers: scale.writers, figures });
  console.log(isGood ? "soak: nothing acknowledged was lost" : "soak: FAILED");
  if (!isGood) process.exitCode = 1;
}

await main();
