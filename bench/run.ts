import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { BenchCase } from "./case.ts";
import { drain } from "./cases/drain.ts";
import { fanout } from "./cases/fanout.ts";
import { idle } from "./cases/idle.ts";
import { peerShapes } from "./cases/peer-shapes.ts";
import { restSend } from "./cases/rest-send.ts";
import { rpc } from "./cases/rpc.ts";
import { start } from "./cases/start.ts";
import { tasks } from "./cases/tasks.ts";
import { ws1 } from "./cases/ws-1.ts";
import { ws256 } from "./cases/ws-256.ts";
import { describeMachine } from "./machine.ts";
import { natsVersion, requireNatsServer } from "./peers/nats-server.ts";
import { renderProfiles } from "./profile.ts";
import { type CaseResult, renderCase, renderResults } from "./report.ts";
import { type Measurement, type RunOptions, runCase } from "./runner.ts";
import { formatNumber } from "./stats.ts";

const CASES: BenchCase[] = [ws256, ws1, restSend, rpc, tasks, fanout, drain, start, idle, peerShapes];
const LEAST_REPETITIONS = 5;
const ON_REQUEST = new Set([peerShapes.name]);
const RESULTS_JSON = join(import.meta.dirname, "results.json");
const RESULTS_MD = join(import.meta.dirname, "RESULTS.md");

const USAGE = `npm run bench -- [options]
  --cases a,b      of ${CASES.map(({ name }) => name).join(", ")}; all but peer-shapes without it
  --subjects a     only subjects whose name starts with it; nothing is written to the results
  --reps 5         repetitions of each case; with fewer than 5 nothing is written to the results
  --quick          small loads; nothing is written to the results
  --profile        profiles the hub alone and prints its hot functions; nothing is written to the results
  --directory d    where the servers keep their data; the system's temporary folder without it
  --install        installs nats-server when it is missing
`;

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  const { values } = parseArgs({
    options: {
      cases: { type: "string" },
      subjects: { type: "string" },
      reps: { type: "string" },
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      directory: { type: "string", default: tmpdir() },
      install: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const reps = values.reps === undefined ? undefined : Number(values.reps);
  if (reps !== undefined && !(Number.isInteger(reps) && reps > 0))
    throw new Error("--reps takes a positive integer");
  return { ...values, reps, subjects: values.subjects ?? (values.profile ? "hub" : "") };
}

function chosenCases({ cases, subjects }: Options): BenchCase[] {
  const names = cases?.split(",") ?? CASES.map(({ name }) => name).filter((name) => !ON_REQUEST.has(name));
  const chosen = names.map((name) => {
    const found = CASES.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no case ${name}\n${USAGE}`);
    return { ...found, subjects: found.subjects.filter((subject) => subject.name.startsWith(subjects)) };
  });
  return chosen.filter((benchCase) => benchCase.subjects.length > 0);
}

async function measureCase(
  benchCase: BenchCase,
  options: Options,
  shared: SharedOptions,
): Promise<CaseResult> {
  process.stderr.write(`${benchCase.name}: ${benchCase.title}\n`);
  const usual = options.profile ? 1 : (benchCase.repetitions ?? LEAST_REPETITIONS);
  const repetitions = options.reps ?? (options.quick ? 1 : usual);
  const measurements = await runCase(benchCase, {
    ...shared,
    repetitions,
    quick: options.quick,
    onMeasured: (measurement) => process.stderr.write(progressLine(benchCase, measurement)),
  });
  return {
    name: benchCase.name,
    date: new Date().toISOString().slice(0, 10),
    command: [
      "npm run bench --",
      `--cases ${benchCase.name} --reps ${repetitions}`,
      options.quick ? "--quick" : "",
    ]
      .join(" ")
      .trim(),
    machine: describeMachine(options.directory),
    peer: natsVersion(shared.natsServer),
    measurements,
  };
}

type SharedOptions = Pick<RunOptions, "baseDirectory" | "natsServer" | "profileDirectory">;

function progressLine(
  benchCase: BenchCase,
  { repetition, subject, metrics, diskBefore, diskAfter, faults }: Measurement,
): string {
  const figures = benchCase.metrics.map(
    ({ key, title, unit }) => `${title} ${formatNumber(metrics[key] ?? Number.NaN)} ${unit}`,
  );
  const disk = `disk ${diskBefore.state}/${diskAfter.state}`;
  const wrong = faults.length > 0 ? `\n    FAULT ${faults.join("\n    FAULT ")}` : "";
  return `  ${repetition + 1} ${subject}: ${figures.join(", ")}, ${disk}${wrong}\n`;
}

/** Keeps the results of cases that did not run now. */
function store(results: CaseResult[]): void {
  const earlier = existsSync(RESULTS_JSON)
    ? (JSON.parse(readFileSync(RESULTS_JSON, "utf8")) as CaseResult[])
    : [];
  const kept = earlier.filter(({ name }) => !results.some((result) => result.name === name));
  const all = [...kept, ...results];
  writeFileSync(RESULTS_JSON, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(RESULTS_MD, renderResults(CASES, all));
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return void process.stdout.write(USAGE);
  const natsServer = requireNatsServer(options);
  const profileDirectory = options.profile ? mkdtempSync(join(tmpdir(), "meshkore-profile-")) : undefined;
  const shared = { baseDirectory: options.directory, natsServer, profileDirectory };
  const enough = options.reps === undefined || options.reps >= LEAST_REPETITIONS;
  const kept = enough && !options.quick && !options.profile && options.subjects === "";
  try {
    for (const benchCase of chosenCases(options)) {
      const result = await measureCase(benchCase, options, shared);
      process.stdout.write(`\n${renderCase(benchCase, result)}\n`);
      if (kept) store([result]);
      if (result.measurements.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
    }
    if (profileDirectory !== undefined) process.stdout.write(renderProfiles(profileDirectory));
  } finally {
    if (profileDirectory !== undefined) rmSync(profileDirectory, { recursive: true, force: true });
  }
}

// An exit takes the servers along; see child.ts.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
await main();
