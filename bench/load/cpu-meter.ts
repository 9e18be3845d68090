import { readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second for every process. */
const MS_PER_TICK = 10;

export type CpuUse = { serverMs: number; clientMs: number; othersMs: number; elapsedMs: number };

/** Whose CPU time a measurement was: the server's, the load client's, and what everybody else took meanwhile. */
export class CpuMeter {
  readonly #serverPid: number;
  readonly #from: { serverMs: number; clientMs: number; allMs: number; atMs: number };

  constructor(serverPid: number) {
    this.#serverPid = serverPid;
    this.#from = this.#sample();
  }

  read(): CpuUse {
    const now = this.#sample();
    const serverMs = now.serverMs - this.#from.serverMs;
    const clientMs = now.clientMs - this.#from.clientMs;
    const othersMs = Math.max(0, now.allMs - this.#from.allMs - serverMs - clientMs);
    return { serverMs, clientMs, othersMs, elapsedMs: now.atMs - this.#from.atMs };
  }

  #sample(): { serverMs: number; clientMs: number; allMs: number; atMs: number } {
    return {
      serverMs: processMs(this.#serverPid),
      clientMs: processMs(process.pid),
      allMs: busyMs(),
      atMs: performance.now(),
    };
  }
}

function processMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** All CPU time of the machine that was neither idle nor waiting for a disk; stolen time counts as others'. */
export function busyMs(): number {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * MS_PER_TICK;
}
