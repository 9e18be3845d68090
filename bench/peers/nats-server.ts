import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Child, startUntilLine } from "../child.ts";

export type NatsServer = { readonly port: number; readonly child: Child };

/** Debian puts it in /usr/sbin, which is not on everybody's PATH. */
const EXTRA_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"];
const HINT =
  "nats-server is missing. Install it: apt-get install nats-server (or run the bench with --install).";
const READY_MS = 10_000;
const LIFE_MS = 30 * 60_000;

export function findNatsServer(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...EXTRA_FOLDERS];
  return folders.map((folder) => join(folder, "nats-server")).find((path) => existsSync(path));
}

export function requireNatsServer(options: { install: boolean }): string {
  const found = findNatsServer();
  if (found !== undefined) return found;
  if (!options.install) throw new Error(HINT);
  execFileSync("apt-get", ["update"], { stdio: "inherit" });
  execFileSync("apt-get", ["install", "-y", "nats-server"], { stdio: "inherit" });
  const installed = findNatsServer();
  if (installed === undefined) throw new Error(HINT);
  return installed;
}

/** JetStream with file storage in `directory`, on a free loopback port. */
export async function startNatsServer(binary: string, directory: string): Promise<NatsServer> {
  const { child, ready } = await startUntilLine(
    {
      command: binary,
      args: ["--jetstream", "--store_dir", directory, "--addr", "127.0.0.1", "--port", "-1"],
      lifeMs: LIFE_MS,
      readyMs: READY_MS,
    },
    portWhenReady(),
  );
  return { port: ready, child };
}

export function natsVersion(binary: string): string {
  return execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
}

function portWhenReady(): (line: string) => number | undefined {
  let port: number | undefined;
  return (line) => {
    const listening = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line);
    if (listening) port = Number(listening[1]);
    return line.includes("Server is ready") ? port : undefined;
  };
}
