/**
 * Kills a process that appends to an embedded log, again and again on the same folder, and checks after each kill
 * that everything it was answered is there. By hand: `node test/soak/log-crash.ts [rounds] [seed] [power|process]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openEmbeddedLog } from "../../src/engines/message-log/embedded/index.ts";
import { CrashReport } from "./log-crash-report.ts";
import { createRandom } from "./log-random.ts";

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: string;
  readonly durability: "power" | "process";
  /** `hasty` tells of appends before they are answered: the check has to find it out. */
  readonly variant: "honest" | "hasty";
}

export interface CrashResult {
  readonly violations: readonly string[];
  /** Appends that were answered, over all rounds. */
  readonly answered: number;
}

const CHILD = fileURLToPath(new URL("./log-crash-child.ts", import.meta.url));
const MIN_LIFE_MS = 50;
const LIFE_SPREAD_MS = 600;

export async function runCrashRounds(options: CrashOptions): Promise<CrashResult> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-crash-"));
  const random = createRandom(options.seed);
  const report = new CrashReport();
  const violations: string[] = [];
  try {
    for (let round = 1; round <= options.rounds && violations.length === 0; round++) {
      report.take(await killedRun(path, options, round, MIN_LIFE_MS + random(LIFE_SPREAD_MS)));
      violations.push(...(await check(path, options, report)));
    }
  } finally {
    await rm(path, { recursive: true, force: true });
  }
  return { violations, answered: report.answered };
}

/** What the child told until it was killed; a line that was cut off is left out. */
async function killedRun(
  path: string,
  options: CrashOptions,
  round: number,
  lifeMs: number,
): Promise<string[]> {
  const args = [CHILD, path, options.durability, options.seed, String(round), options.variant];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const chunks: Buffer[] = [];
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    timer ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
  });
  const [code, signal] = await closed;
  clearTimeout(timer);
  if (signal !== "SIGKILL")
    throw new Error(`the writing process ended by itself: code ${code}, signal ${signal}`);
  return Buffer.concat(chunks).toString("utf8").split("\n").slice(0, -1);
}

async function check(path: string, options: CrashOptions, report: CrashReport): Promise<string[]> {
  const log = await openEmbeddedLog({
    path,
    durability: options.durability,
    nowUnixMs: Date.now,
    onFatal: (error) => {
      throw error;
    },
    onWatcherError: () => undefined,
  });
  try {
    return await report.check(log);
  } finally {
    await log[Symbol.asyncDispose]();
  }
}

async function main(): Promise<void> {
  const [rounds = "10", seed = String(Date.now()), only] = process.argv.slice(2);
  for (const durability of ["power", "process"] as const) {
    if (only !== undefined && only !== durability) continue;
    const result = await runCrashRounds({ rounds: Number(rounds), seed, durability, variant: "honest" });
    console.log(`${durability}: ${rounds} kills, seed ${seed}, ${result.answered} answered appends checked`);
    for (const violation of result.violations) console.error(violation);
    if (result.violations.length > 0) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
