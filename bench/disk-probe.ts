import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { percentile } from "./stats.ts";

export type DiskState = "fast" | "slow";
export type DiskProbe = { p50Ms: number; state: DiskState; syncs: number };

const BLOCK_BYTES = 8192;
const MAX_SYNCS = 100;
const MAX_MS = 1500;
const SLOW_FROM_MS = 1;

/**
 * Appends 8 KiB and syncs it, again and again, in the directory that holds the servers' data.
 * Virtual disks change their speed tenfold within seconds, so a figure means little without this.
 */
export function probeDisk(directory: string): DiskProbe {
  const path = join(directory, `probe-${process.pid}`);
  const file = openSync(path, "w");
  const block = Buffer.alloc(BLOCK_BYTES, 0x5a);
  const tookMs: number[] = [];
  const until = performance.now() + MAX_MS;
  try {
    while (tookMs.length < MAX_SYNCS && performance.now() < until) {
      const from = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      tookMs.push(performance.now() - from);
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  const p50Ms = percentile(Float64Array.from(tookMs), 0.5);
  return { p50Ms, state: p50Ms < SLOW_FROM_MS ? "fast" : "slow", syncs: tookMs.length };
}
