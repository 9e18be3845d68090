import { join } from "node:path";
import { startChild } from "./child.ts";
import type { LoadResult, LoadSpec } from "./load/spec.ts";

const LIFE_MS = 120_000;
const MAIN = join(import.meta.dirname, "load", "main.ts");

/** Runs one measurement in a process of its own, so that client and server share nothing but the machine. */
export async function runLoadClient(spec: LoadSpec): Promise<LoadResult> {
  let answer = "";
  const child = await startChild({
    command: process.execPath,
    args: [MAIN],
    lifeMs: LIFE_MS,
    onLine: (line) => {
      if (line.startsWith('{"metrics"')) answer = line;
    },
  });
  child.write(JSON.stringify(spec));
  const code = await child.exited;
  if (code !== 0 || answer === "") throw new Error(`load client ended with code ${code}:\n${child.output()}`);
  return JSON.parse(answer) as LoadResult;
}
