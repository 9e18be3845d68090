import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import type { ExitCode } from "../../../src/cli/exit-code.ts";
import type { OutStream, ProcessEdge } from "../../../src/cli/process-edge.ts";

export interface MemoryEdge extends ProcessEdge {
  readonly out: () => string;
  readonly err: () => string;
  readonly interrupt: (signal: "SIGINT" | "SIGTERM") => void;
  readonly wasSet: ReadonlyMap<string, string>;
}

export interface MemoryEdgeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTty?: boolean;
  readonly columns?: number;
  /** stdout fails like a pipe whose reader went away. */
  readonly isOutClosed?: boolean;
  readonly nowUnixMs?: number;
}

/** A process of its own in memory, with an empty home folder. */
export function createMemoryEdge(options: MemoryEdgeOptions = {}): MemoryEdge {
  const out: string[] = [];
  const err: string[] = [];
  const wasSet = new Map<string, string>();
  const listeners = new Set<(signal: "SIGINT" | "SIGTERM") => void>();
  const homeDir = mkdtempSync(join(tmpdir(), "meshkore-cli-"));
  const stream = (texts: string[], isClosed: boolean): OutStream => ({
    write: (text, done) => {
      if (!isClosed) texts.push(text);
      queueMicrotask(() => done(isClosed ? new Error("write EPIPE") : null));
      return true;
    },
    ...(options.isTty === true && { isTTY: true, columns: options.columns ?? 80 }),
  });
  return {
    env: { MESHKORE_CREDENTIALS: join(homeDir, "credentials.json"), ...options.env },
    homeDir,
    stdin: (async function* () {
      yield Buffer.from(options.stdin ?? "");
    })(),
    stdout: stream(out, options.isOutClosed === true),
    stderr: stream(err, false),
    nowUnixMs: () => options.nowUnixMs ?? Date.UTC(2026, 0, 2),
    setEnv: (name, value) => wasSet.set(name, value),
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    out: () => out.join(""),
    err: () => err.join(""),
    interrupt: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    wasSet,
  };
}

export interface Run {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. */
export async function runCli(args: readonly string[], edge: MemoryEdge = createMemoryEdge()): Promise<Run> {
  const code = await runCommandLine(args, edge);
  return { code, out: edge.out(), err: edge.err() };
}
