import { access } from "node:fs/promises";
import { join } from "node:path";
import { checkBackup } from "./engines/data-dir/backup-check.ts";
import type { Manifest } from "./engines/data-dir/backup-manifest.ts";
import { openDataDir } from "./engines/data-dir/data-dir.ts";
import { formatOf } from "./engines/data-dir/format-file.ts";
import { type Restored, restoreBackup } from "./engines/data-dir/restore.ts";
import { FORMAT } from "./engines/data-dir/upgrades.ts";
import { LOG_FILES } from "./engines/message-log/index.ts";
import { STORE_ENGINES, STORE_FILES } from "./engines/store/index.ts";

/**
 * What is done to a data directory while no hub runs on it. Beside src/hub.ts the only place that puts engines
 * together; it opens no ports and starts nothing.
 */

export { loadUws } from "./listeners/uws/load.ts";
export type { Manifest, Restored };

/** @throws MeshError see restoreBackup */
export function restoreDataDir(input: {
  readonly from: string;
  readonly to: string;
  readonly isForced: boolean;
  readonly nowUnixMs: () => number;
}): Promise<Restored> {
  return restoreBackup({ ...input, open: (directory) => openRestored(directory, input.nowUnixMs()) });
}

/** @throws MeshError not_found, malformed */
export function verifyBackup(folder: string): Promise<Manifest> {
  return checkBackup(folder);
}

/** Opens all of it as a hub would, and ends the log's epoch. */
async function openRestored(directory: string, nowUnixMs: number): Promise<Manifest["counts"]> {
  const dataDir = await openDataDir(directory);
  try {
    const { startNewEpoch } = await LOG_FILES.embedded();
    const { streams } = await startNewEpoch(dataDir.logPath, nowUnixMs);
    const fail = (error: Error): never => {
      throw error;
    };
    const openStores = await STORE_ENGINES.sqlite();
    const stores = await openStores({ path: dataDir.storePath, onFatal: fail });
    try {
      const [agents, channels] = await Promise.all([
        stores.agents.count(),
        stores.channels.countOwned(undefined),
      ]);
      return { agents, channels, streams };
    } finally {
      await stores[Symbol.asyncDispose]();
    }
  } finally {
    await dataDir[Symbol.asyncDispose]();
  }
}

export interface DataDirFacts {
  /** Undefined = there is no data directory yet. */
  readonly format: number | undefined;
  readonly newestFormat: number;
  /** A hub runs on it: nothing below was looked at, as in a directory of another format. */
  readonly isInUse: boolean;
  readonly agents: number;
  readonly records: number;
  readonly problems: readonly string[];
}

/** Reads all of the store and the log of a directory of this version's format. @throws MeshError unavailable when it cannot be read */
export async function inspectDataDir(path: string): Promise<DataDirFacts> {
  const format = await formatOf(path);
  const nothing = { format, newestFormat: FORMAT, isInUse: false, agents: 0, records: 0, problems: [] };
  if (format !== FORMAT) return nothing;
  const { isDirectoryLocked, lockDirectory } = await import("./engines/data-dir/directory-lock.ts");
  if (isDirectoryLocked(path)) return { ...nothing, isInUse: true };
  const unlock = lockDirectory(path);
  try {
    return { ...nothing, ...(await inspectEngines(path)) };
  } finally {
    unlock();
  }
}

async function inspectEngines(path: string): Promise<Pick<DataDirFacts, "agents" | "records" | "problems">> {
  const [{ inspectSqliteStore }, { inspectLog }] = await Promise.all([
    STORE_FILES.sqlite(),
    LOG_FILES.embedded(),
  ]);
  const storePath = join(path, "store.sqlite");
  const hasStore = await isThere(storePath);
  const store = hasStore ? inspectSqliteStore(storePath, true) : { agents: 0, problems: [] };
  const hasLog = await isThere(join(path, "log", "data.mdb"));
  const log = hasLog ? await inspectLog(join(path, "log"), true) : { records: 0, problems: [] };
  const problems = [
    ...store.problems.map((problem) => `store: ${problem}`),
    ...log.problems.map((problem) => `log: ${problem}`),
  ];
  return { agents: store.agents, records: log.records, problems };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
