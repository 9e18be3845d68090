import { text } from "node:stream/consumers";
import { runDrainLoad } from "./drain-load.ts";
import { runFanoutLoad } from "./fanout-load.ts";
import { runIdleLoad } from "./idle-load.ts";
import type { LoadResult, LoadSpec } from "./spec.ts";
import { runTasksLoad } from "./tasks-load.ts";
import { runWindowLoad } from "./window-load.ts";

/** The load client: one process per measurement. Reads its LoadSpec from stdin, answers one JSON line. */
async function main(): Promise<void> {
  const spec = JSON.parse(await text(process.stdin)) as LoadSpec;
  const result = await runLoad(spec).catch(failedResult);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0)); // whatever connections are left
}

/** No figure, but the reason. */
function failedResult(cause: unknown): LoadResult {
  return { metrics: {}, faults: [cause instanceof Error ? cause.message : String(cause)] };
}

function runLoad(spec: LoadSpec): Promise<LoadResult> {
  switch (spec.load) {
    case "window":
      return runWindowLoad(spec);
    case "drain":
      return runDrainLoad(spec);
    case "fanout":
      return runFanoutLoad(spec);
    case "idle":
      return runIdleLoad(spec);
    case "tasks":
      return runTasksLoad(spec);
  }
}

await main();
