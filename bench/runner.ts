import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchCase, RunContext, Subject } from "./case.ts";
import { type DiskProbe, probeDisk } from "./disk-probe.ts";
import { waitForQuiet } from "./quiet.ts";

export type Measurement = {
  repetition: number;
  subject: string;
  at: string;
  diskBefore: DiskProbe;
  diskAfter: DiskProbe;
  metrics: Record<string, number>;
  /** A measurement with faults is kept as evidence and left out of every figure. */
  faults: string[];
};

export type RunOptions = {
  baseDirectory: string;
  natsServer: string;
  repetitions: number;
  quick: boolean;
  profileDirectory: string | undefined;
  onMeasured(measurement: Measurement): void;
};

const GIVE_UP_AFTER = 2;
const QUIET_WAIT_MS = 5000;

/** Every repetition measures all subjects one after another, each time starting with another one. */
export async function runCase(benchCase: BenchCase, options: RunOptions): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const failures = new Map<string, number>();
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    const { subjects } = benchCase;
    const first = repetition % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const failed = failures.get(subject.name) ?? 0;
      if (failed >= GIVE_UP_AFTER) continue;
      const measurement = await measure(subject, repetition, options);
      if (Object.keys(measurement.metrics).length === 0) failures.set(subject.name, failed + 1);
      measurements.push(measurement);
      options.onMeasured(measurement);
    }
  }
  return measurements;
}

async function measure(subject: Subject, repetition: number, options: RunOptions): Promise<Measurement> {
  const at = new Date().toISOString();
  const { quick, natsServer, baseDirectory } = options;
  const profileDirectory =
    options.profileDirectory === undefined ? undefined : join(options.profileDirectory, subject.name);
  mkdirSync(baseDirectory, { recursive: true });
  const directory = mkdtempSync(join(baseDirectory, "meshkore-bench-"));
  const clean = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.once("exit", clean); // an exit in between skips the finally below
  const context: RunContext = { directory, natsServer, quick, profileDirectory };
  try {
    await waitForQuiet(QUIET_WAIT_MS);
    const diskBefore = probeDisk(directory);
    const { metrics, faults } = await subject.run(context).catch((cause: unknown) => ({
      metrics: {} as Record<string, number>,
      faults: [cause instanceof Error ? cause.message : String(cause)],
    }));
    const diskAfter = probeDisk(directory);
    const p50Ms = metrics["p50_ms"];
    const syncMs = (diskBefore.p50Ms + diskAfter.p50Ms) / 2;
    if (p50Ms !== undefined) metrics["less_sync_ms"] = p50Ms - syncMs;
    return { repetition, subject: subject.name, at, diskBefore, diskAfter, metrics, faults };
  } finally {
    process.off("exit", clean);
    clean();
  }
}
