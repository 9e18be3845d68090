import { readFileSync } from "node:fs";

/** All of it: heap, native memory, and pages of files that the process looked at. */
export function residentBytes(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`no memory figures of process ${pid}`);
  return Number(found[1]) * 1024;
}
