import { setTimeout as sleep } from "node:timers/promises";
import { busyMs } from "./load/cpu-meter.ts";

/** Below this much CPU of others a measurement counts as undisturbed. */
export const QUIET_CORES = 0.25;

const LOOK_MS = 250;

/** Waits for a moment without other work on the machine, but not longer than `maxMs`. */
export async function waitForQuiet(maxMs: number): Promise<void> {
  const untilMs = performance.now() + maxMs;
  while (performance.now() < untilMs) {
    const fromBusyMs = busyMs();
    const fromMs = performance.now();
    await sleep(LOOK_MS);
    if ((busyMs() - fromBusyMs) / (performance.now() - fromMs) < QUIET_CORES) return;
  }
}
