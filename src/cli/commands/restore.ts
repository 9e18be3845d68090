import type { Command } from "commander";
import { type Invocation, openInvocation } from "../invocation.ts";
import type { ProcessEdge } from "../process-edge.ts";
import { factLines } from "../terminal/facts.ts";

const DEFAULT_DATA_DIR = "./data";

/** `restore`: a data directory out of a backup, while no hub runs on it. */
export function addRestoreCommand(program: Command, edge: ProcessEdge): void {
  program
    .command("restore")
    .description("make a data directory of a backup; the hub must not run")
    .argument("<folder>", "the backup")
    .option("--force", "move a data directory that is there aside, instead of refusing")
    .action((folder: string, options: { readonly force?: boolean }, command: Command) =>
      restore(openInvocation(edge, command), folder, options.force === true),
    );
}

async function restore(run: Invocation, folder: string, isForced: boolean): Promise<void> {
  const { restoreDataDir } = await import("../../offline.ts");
  const to = run.settings["MESHKORE_DATA_DIR"] ?? DEFAULT_DATA_DIR;
  const { nowUnixMs } = run.edge;
  const { manifest, path, movedTo } = await restoreDataDir({ from: folder, to, isForced, nowUnixMs });
  const document = {
    path,
    moved_to: movedTo,
    made_at: manifest.created_at,
    hub_id: manifest.hub_id,
    counts: manifest.counts,
  };
  await run.terminal.result(document, () =>
    factLines(run.terminal, [
      ["restored", path],
      ["as of", `${manifest.created_at}, hub ${manifest.hub_id}`],
      ["former directory", movedTo],
    ]),
  );
  await run.terminal.note(
    "What was accepted after the backup is not there: readers that had seen it are told of a gap, and agents that joined later join again.",
  );
}
