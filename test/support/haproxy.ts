import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "./until.ts";

/** Debian keeps it where the PATH of many users does not lead. */
const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"];
const haproxy = FOLDERS.map((folder) => join(folder, "haproxy")).find(isExecutable);
if (haproxy === undefined) console.warn("SKIPPED: what needs a real proxy; install haproxy");

export const hasHaproxy = haproxy !== undefined;

/** Runs haproxy until the test is over; answers when it takes connections at these ports of 127.0.0.1. */
export async function startHaproxy(config: string, ports: readonly number[]): Promise<void> {
  if (haproxy === undefined) throw new Error("haproxy is not installed");
  const dir = await mkdtemp(join(tmpdir(), "meshkore-haproxy-"));
  const file = join(dir, "haproxy.cfg");
  await writeFile(file, config);
  const child = spawn(haproxy, ["-db", "-f", file], { stdio: "ignore" });
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(dir, { recursive: true });
  });
  for (const port of ports) await until(`haproxy at ${port}`, () => isListening(port));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
