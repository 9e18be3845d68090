import { join } from "node:path";
import type { OperatorParts } from "../api/operator.ts";
import { type Activity, createActivity } from "../core/activity.ts";
import type { Backlog } from "../core/backlog.ts";
import type { Census } from "../core/census.ts";
import type { Core } from "../core/core.ts";
import { createEraser, type Eraser } from "../core/erase.ts";
import { createBackups } from "../engines/data-dir/backup-writer.ts";
import type { DataDir } from "../engines/data-dir/data-dir.ts";
import { LOG_FILES } from "../engines/message-log/index.ts";
import { STORE_FILES } from "../engines/store/index.ts";
import type { Counts } from "../model/counts.ts";
import { createTurns } from "../model/turns.ts";
import { REACH_KEY_NAME } from "../outbound/reach/reach-credentials.ts";
import type { Backups } from "../ports/backups.ts";
import type { ErasureStore } from "../ports/erasure-store.ts";
import type { LogUpkeep } from "../ports/log-upkeep.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { Stores } from "../ports/stores.ts";
import type { Registry } from "../registry/registry.ts";
import type { HubOptions } from "./hub-options.ts";
import { ADMIN_TOKEN_FILE, CARD_KEY_FILE } from "./storage.ts";

export interface OperationsDeps {
  readonly dataDir: DataDir;
  readonly log: MessageLog & LogUpkeep;
  readonly stores: Stores & { readonly erasures: ErasureStore };
  readonly registry: Registry;
  readonly counts: Counts;
  readonly core: Core;
  readonly backlog: Backlog;
  readonly census: Census;
}

export interface Operations extends OperatorParts {
  /** Goes on with what an earlier run of the hub left over. Never rejects. */
  resume(): Promise<void>;
}

/** Of what must not run at once: a backup in the middle of an erasure would hold a part of the agent for ever. */
const ALONE = "data";

/** What the operator does while the hub runs. */
export function buildOperations(options: HubOptions, deps: OperationsDeps): Operations {
  const turns = createTurns();
  const backups = buildBackups(options, deps);
  const eraser = buildEraser(options, deps);
  return {
    activity: buildActivity(options, deps),
    backups: { create: (name) => turns.take(ALONE, () => backups.create(name)) },
    erase: (agentId) => turns.take(ALONE, () => eraser.erase(agentId)),
    resume: () => turns.take(ALONE, () => eraser.resume()),
  };
}

function buildEraser({ clock, logger }: HubOptions, deps: OperationsDeps): Eraser {
  const { log, stores, registry, core, dataDir } = deps;
  return createEraser({
    log,
    erasures: stores.erasures,
    clock,
    logger,
    async removeAgent(agentId) {
      const found = await stores.agents.find(agentId);
      if (found !== undefined && found.deletedUnixMs === undefined) await registry.agents.remove(agentId);
      // The hub ends the agent's tasks: what it says of them is to be there before anything is erased.
      await core.taskUpkeep.settle();
    },
    flushTraffic: () => core.traffic.flush(),
    forgetCopies: core.forgetCopies,
    requestCompaction: () => dataDir.requestCompaction(),
  });
}

function buildActivity(
  { clock, vitals }: HubOptions,
  { log, registry, counts, backlog, census }: OperationsDeps,
): (limit: number | undefined) => Promise<Activity> {
  return createActivity({ counts, vitals, clock, backlog, census, log, presence: registry.presence });
}

function buildBackups({ config, clock, version }: HubOptions, { dataDir, log }: OperationsDeps): Backups {
  return createBackups({
    path: dataDir.path,
    folder: config.backupDir ?? join(dataDir.path, "backups"),
    hubId: config.hubId,
    hubVersion: version,
    nowUnixMs: () => clock.nowUnixMs(),
    secretNames: [ADMIN_TOKEN_FILE, CARD_KEY_FILE, REACH_KEY_NAME],
    copyLog: (folder) => log.copyTo(folder),
    async copyStore(file) {
      const { copySqliteStore } = await STORE_FILES.sqlite();
      await copySqliteStore(dataDir.storePath, file);
    },
    async count(logPath, storePath) {
      const [{ inspectLog }, { inspectSqliteStore }] = await Promise.all([
        LOG_FILES.embedded(),
        STORE_FILES.sqlite(),
      ]);
      const { streams } = await inspectLog(logPath, false);
      const { agents, channels } = inspectSqliteStore(storePath, false);
      return { agents, channels, streams };
    },
  });
}
