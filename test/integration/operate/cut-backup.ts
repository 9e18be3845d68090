import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { TestHub } from "../../support/hub.ts";
import { type CliResult, startCli } from "../cli/cli-process.ts";
import { operatorEnv } from "./operator-cli.ts";

const PATIENCE_MS = 60_000;
const TRIES = 20;

/** What a backup under way has written so far; undefined when none is under way. */
export interface HalfBackup {
  readonly path: string;
  /** Files with their bytes. */
  readonly files: ReadonlyMap<string, number>;
}

export interface StoppedBackup {
  readonly half: HalfBackup;
  /** Of the command line that asked for it. */
  readonly result: Promise<CliResult>;
}

/** What is under way in the folder of a hub's backups. */
export function halfBackup(folder: string): HalfBackup | undefined {
  const name = entriesOf(folder).find((entry) => entry.startsWith(".backup."));
  if (name === undefined) return undefined;
  const path = join(folder, name);
  const files = entriesOf(path, true).flatMap((file) => {
    const found = statSync(join(path, file), { throwIfNoEntry: false });
    return found?.isFile() === true ? [[file, found.size] as const] : [];
  });
  return { path, files: new Map(files) };
}

/**
 * Starts a backup and halts the hub's process (SIGSTOP) when it has come as far as `isThere` wants. A backup that was
 * through before the signal came is taken away and tried again.
 */
export async function haltInBackup(
  hub: TestHub,
  folder: string,
  isThere: (half: HalfBackup) => boolean,
): Promise<StoppedBackup> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const name = `attempt-${attempt}`;
    const cli = startCli(["--json", "backup", "--name", name], { env: operatorEnv(hub) });
    await untilSeen(folder, isThere, cli.result);
    process.kill(hub.pid, "SIGSTOP");
    const half = halfBackup(folder);
    if (half !== undefined && isThere(half)) return { half, result: cli.result };
    process.kill(hub.pid, "SIGCONT");
    await cli.result;
  }
  throw new Error(`the hub was too fast ${TRIES} times`);
}

/** Looks at every turn of the event loop: what is looked for lasts milliseconds. */
async function untilSeen(
  folder: string,
  isThere: (half: HalfBackup) => boolean,
  result: Promise<CliResult>,
): Promise<void> {
  let ended: CliResult | undefined;
  void result.then((found) => {
    ended = found;
  });
  const endMs = performance.now() + PATIENCE_MS;
  while (performance.now() < endMs) {
    const half = halfBackup(folder);
    if (half !== undefined && isThere(half)) return;
    if (ended !== undefined && ended.code !== 0) throw new Error(`the backup failed: ${ended.err}`);
    if (ended !== undefined) return;
    await setImmediate();
  }
  throw new Error(`no backup came so far in ${PATIENCE_MS} ms`);
}

function entriesOf(folder: string, recursive = false): readonly string[] {
  try {
    return readdirSync(folder, { recursive, encoding: "utf8" });
  } catch (thrown) {
    // It comes and goes while it is looked at.
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  }
}
