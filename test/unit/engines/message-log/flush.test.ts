import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const CHILD = fileURLToPath(new URL("./flush-child.ts", import.meta.url));

/** For each append, how often the data file was flushed between its call and its answer. */
function flushesPerAppend(trace: string): number[] {
  const flushes: number[] = [];
  const begun = new Set<string>();
  let isUnderWay = false;
  for (const line of trace.split("\n")) {
    const [thread = ""] = line.split(" ");
    if (line.includes('"BEGIN ')) {
      isUnderWay = true;
      flushes.push(0);
    } else if (line.includes('"ANSWER ')) {
      isUnderWay = false;
    } else if (/(fdatasync|fsync)\(\d+<[^>]*data\.mdb>/.test(line)) {
      // Another thread can come in between the call and its return: then it is written in two lines.
      if (line.includes("<unfinished")) begun.add(thread);
      else if (isUnderWay && line.includes("= 0")) flushes[flushes.length - 1] = (flushes.at(-1) ?? 0) + 1;
    } else if (
      /(fdatasync|fsync) resumed>/.test(line) &&
      begun.delete(thread) &&
      isUnderWay &&
      line.includes("= 0")
    ) {
      flushes[flushes.length - 1] = (flushes.at(-1) ?? 0) + 1;
    }
  }
  return flushes;
}

function trace(durability: string): { status: number | null; stderr: string; trace: string } {
  const folder = mkdtempSync(join(tmpdir(), "meshkore-flush-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "trace");
  const calls = "trace=fdatasync,fsync,msync,write";
  const command = [process.execPath, CHILD, join(folder, "log"), durability];
  const { status, stderr } = spawnSync("strace", ["-f", "-y", "-e", calls, "-o", file, ...command], {
    encoding: "utf8",
    timeout: 50_000,
  });
  return { status, stderr, trace: status === 0 ? readFileSync(file, "utf8") : "" };
}

describe("when the embedded log answers", { timeout: 60_000 }, () => {
  it("in `power`, the data file was flushed between each append and its answer", ({ skip }) => {
    const hasStrace = spawnSync("strace", ["-V"]).status === 0;
    if (!hasStrace) {
      console.warn("SKIPPED: the flush test needs strace");
      return skip("no strace");
    }
    const power = trace("power");
    expect(power.status, power.stderr).toBe(0);
    const flushes = flushesPerAppend(power.trace);
    expect(flushes.length).toBe(20);
    expect(Math.min(...flushes)).toBeGreaterThanOrEqual(1);
    // The count can come out as zero: without flushing it does.
    const process = trace("process");
    expect(Math.max(...flushesPerAppend(process.trace))).toBe(0);
  });
});
