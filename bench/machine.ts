import { execFileSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";

export type Machine = {
  cpu: string;
  cores: number;
  memoryGib: number;
  kernel: string;
  node: string;
  fileSystem: string;
  commit: string;
};

/** Describes what decides the figures; `directory` is where servers keep their data. */
export function describeMachine(directory: string): Machine {
  return {
    cpu: `${cpus()[0]?.model ?? "unknown"} (${arch()})`,
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(realpathSync(directory)),
    commit: currentCommit(),
  };
}

function fileSystemOf(directory: string): string {
  let best = { mountPoint: "", kind: "unknown" };
  for (const line of readFileSync("/proc/mounts", "utf8").split("\n")) {
    const [, mountPoint = "", kind = ""] = line.split(" ");
    const prefix = mountPoint.endsWith("/") ? mountPoint : `${mountPoint}/`;
    const holds = `${directory}/`.startsWith(prefix);
    if (mountPoint && holds && mountPoint.length >= best.mountPoint.length) best = { mountPoint, kind };
  }
  return best.kind;
}

function currentCommit(): string {
  const hash = gitAnswer(["rev-parse", "--short=12", "HEAD"]);
  if (hash === undefined) return "uncommitted";
  return gitAnswer(["status", "--porcelain", "--", "src", "proto", "bench/**/*.ts"])
    ? `${hash}+changes`
    : hash;
}

function gitAnswer(args: string[]): string | undefined {
  try {
    const cwd = import.meta.dirname;
    return execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined; // outside a checkout, or before the first commit
  }
}
