import { readFileSync } from "node:fs";

/** Resident memory of a process: what it holds itself, and with the mapped pages of files that it has looked at. */
export function residentBytes(pid: number): { own: number; withFiles: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return { own: kib("RssAnon") * 1024, withFiles: kib("VmRSS") * 1024 };
}
