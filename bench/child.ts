import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

export type Child = {
  readonly pid: number;
  /** Everything that the process wrote, for error texts. */
  output(): string;
  write(input: string): void;
  /** Ends the process by its id: SIGTERM, and SIGKILL when that was not enough. Answers when it is gone. */
  stop(): Promise<void>;
  /** Answers with the exit code; 128 when a signal ended the process. */
  exited: Promise<number>;
};

export type ChildOptions = {
  command: string;
  args: string[];
  /** The whole environment; this process's own without it. */
  env?: NodeJS.ProcessEnv;
  /** Called with every whole line of stdout and stderr. */
  onLine?: (line: string) => void;
  /** The process is ended when it is older than this. */
  lifeMs: number;
};

const GRACE_MS = 10_000;
const KEPT_OUTPUT_CHARS = 20_000;

export async function startChild(options: ChildOptions): Promise<Child> {
  const process_ = spawn(options.command, options.args, {
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  process_.stdin.on("error", () => process_.stdin.destroy()); // it ended before it read all; `exited` says so
  await once(process_, "spawn");
  const pid = process_.pid ?? 0;
  let kept = "";
  const keep = (line: string): void => {
    kept = `${kept}${line}\n`.slice(-KEPT_OUTPUT_CHARS);
    options.onLine?.(line);
  };
  readLines(process_.stdout, keep);
  readLines(process_.stderr, keep);
  const exited = new Promise<number>((resolve) => process_.once("close", (code) => resolve(code ?? 128)));
  const stop = (): Promise<void> => stopProcess(process_, exited);
  const leash = setTimeout(() => void stop(), options.lifeMs);
  const stopWithParent = (): void => void process_.kill("SIGKILL");
  process.once("exit", stopWithParent);
  void exited.then(() => {
    clearTimeout(leash);
    process.off("exit", stopWithParent);
  });
  return { pid, output: () => kept, write: (input) => void process_.stdin.end(input), stop, exited };
}

async function stopProcess(process_: ChildProcessWithoutNullStreams, exited: Promise<number>): Promise<void> {
  if (process_.exitCode !== null || process_.signalCode !== null) return;
  process_.kill("SIGTERM");
  const last = setTimeout(() => process_.kill("SIGKILL"), GRACE_MS);
  await exited;
  clearTimeout(last);
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest) onLine(rest);
  });
}

/** Waits until `find` answers for a line; fails when the process ends or the time is up. */
export async function startUntilLine<T>(
  options: ChildOptions & { readyMs: number },
  find: (line: string) => T | undefined,
): Promise<{ child: Child; ready: T }> {
  const found = Promise.withResolvers<T>();
  const child = await startChild({
    ...options,
    onLine: (line) => {
      options.onLine?.(line);
      const ready = find(line);
      if (ready !== undefined) found.resolve(ready);
    },
  });
  const name = options.args.find((arg) => arg.endsWith(".ts")) ?? options.command;
  const late = setTimeout(
    () => found.reject(new Error(`${name} was not ready in ${options.readyMs} ms`)),
    options.readyMs,
  );
  void child.exited.then((code) =>
    found.reject(new Error(`${name} ended with code ${code}:\n${child.output()}`)),
  );
  try {
    return { child, ready: await found.promise };
  } catch (cause) {
    await child.stop();
    throw cause;
  } finally {
    clearTimeout(late);
  }
}
