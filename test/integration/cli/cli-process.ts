import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command line in a process of its own, under way. */
export interface CliProcess {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly result: Promise<CliResult>;
}

/** Starts the command line; of the caller's environment nothing of MeshKore gets in. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const outer = Object.entries(process.env).filter(([name]) => !name.startsWith("MESHKORE_"));
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "src/cli/main.ts", ...args],
    {
      cwd: ROOT,
      env: { ...Object.fromEntries(outer), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.end(options.stdin ?? "");
  const endWithTest = () => child.kill("SIGKILL");
  process.once("exit", endWithTest);
  const result = once(child, "close").then(([code]: readonly (number | null)[]) => {
    process.off("exit", endWithTest);
    return { code: code ?? null, out, err };
  });
  return { child, out: () => out, err: () => err, result };
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}
