import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDurableDirectory, syncDirectory, syncTree } from "./durable-files.ts";

/** One step of the directory's format. Once released it never changes: a later step corrects it. */
export interface Upgrade {
  readonly from: number;
  /** For the operator: what is different now. */
  readonly what: string;
  /** Undefined = nothing is rewritten, the step only keeps hubs of before it away. Must bear being run again. */
  readonly run: ((path: string) => Promise<void>) | undefined;
}

/** From the oldest format on, without a hole. */
export const UPGRADES: readonly Upgrade[] = [
  {
    from: 1,
    what: "the log may be in a later epoch, after a restore; nothing was rewritten",
    run: undefined,
  },
];

export const FORMAT = 1 + UPGRADES.length;

/** Of what is no data: kept out of the copy that a step makes before it rewrites. */
const NOT_COPIED: ReadonlySet<string> = new Set(["backups", "lock.sqlite"]);

/**
 * Runs a step. What it rewrites is copied before into `backups/before-format-N`, whole or not at all; a step that was
 * cut off finds that copy and runs again. The caller writes down the new format afterwards.
 */
export async function runUpgrade(path: string, upgrade: Upgrade): Promise<void> {
  if (upgrade.run === undefined) return;
  await copyBefore(path, `before-format-${upgrade.from + 1}`);
  await upgrade.run(path);
}

async function copyBefore(path: string, name: string): Promise<void> {
  const backups = join(path, "backups");
  const temporary = join(backups, `.${name}.tmp`);
  await makeDurableDirectory(backups);
  if ((await readdir(backups)).includes(name)) return;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o700 });
  for (const entry of await readdir(path)) {
    if (!NOT_COPIED.has(entry)) await cp(join(path, entry), join(temporary, entry), { recursive: true });
  }
  await syncTree(temporary);
  await rename(temporary, join(backups, name));
  await syncDirectory(backups);
}
