import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../support/until.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const READY_MS = 25_000;

export interface HubEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a hub as `npm start` runs it, with nothing set but what the test sets. */
export interface HubRun extends AsyncDisposable {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** The address, once it is ready. @throws when it ends before */
  http(): Promise<string>;
  readonly ended: Promise<HubEnd>;
}

/** Port 0 and the data directory are set; an undefined value takes a setting away. */
export function runHub(dataDir: string, env: Readonly<Record<string, string | undefined>> = {}): HubRun {
  const outer = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("MESHKORE_") && name !== "NODE_OPTIONS",
  );
  const child = spawn(process.execPath, ["src/boot/run.mjs", "src/main.ts"], {
    cwd: ROOT,
    env: {
      ...Object.fromEntries(outer),
      MESHKORE_DATA_DIR: dataDir,
      MESHKORE_HTTP_PORT: "0",
      MESHKORE_GRPC_PORT: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const endWithTest = () => child.kill("SIGKILL");
  process.once("exit", endWithTest);
  let end: HubEnd | undefined;
  const ended = once(child, "close").then(() => {
    process.off("exit", endWithTest);
    end = { code: child.exitCode, signal: child.signalCode };
    return end;
  });
  const http = () =>
    until(
      "the ready line",
      () => {
        const line = out.split("\n").slice(0, -1)[0];
        if (line !== undefined) return String(Object(JSON.parse(line)).http);
        if (end !== undefined) throw new Error(`the hub ended with ${end.code ?? end.signal}\n${err}`);
        return undefined;
      },
      READY_MS,
    );
  return {
    child,
    out: () => out,
    err: () => err,
    http,
    ended,
    async [Symbol.asyncDispose]() {
      if (end === undefined) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Gives `use` a path that does not exist yet, in a folder that is removed afterwards. */
export async function withDataDir<T>(use: (dataDir: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "meshkore-process-"));
  try {
    return await use(join(folder, "data"));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a hub writes and how it ends when it cannot start. */
export async function failedStart(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  await using run = runHub(dataDir, env);
  const { code } = await run.ended;
  return { code, out: run.out(), err: run.err() };
}
