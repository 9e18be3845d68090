import { homedir } from "node:os";

/** A stream that the command line writes to. Errors come back through `done`. */
export interface OutStream {
  write(text: string, done: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** All that the command line touches of its process, so that tests run it in theirs. */
export interface ProcessEdge {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly nowUnixMs: () => number;
  /** Only for what is imported into this process afterwards: the hub of `start`. */
  readonly setEnv: (name: string, value: string) => void;
  /** Calls `listener` instead of ending at SIGINT or SIGTERM, until the returned function is called. */
  readonly onInterrupt: (listener: (signal: "SIGINT" | "SIGTERM") => void) => () => void;
}

/** The edge of the real process. */
export function createProcessEdge(): ProcessEdge {
  // A reader that went away (EPIPE) is told to the writer by the callback of its write; without a listener the
  // same error would end the process with a stack trace.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  return {
    env: process.env,
    homeDir: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    nowUnixMs: Date.now,
    setEnv: (name, value) => {
      process.env[name] = value;
    },
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
  };
}
