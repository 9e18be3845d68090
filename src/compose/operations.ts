import { join } from "node:path";
import type { OperatorParts } from "../api/operator.ts";
import { type Activity, createActivity } from "../core/activity.ts";
import { createBacklog } from "../core/backlog.ts";
import { createBackups } from "../engines/data-dir/backup-writer.ts";
import type { DataDir } from "../engines/data-dir/data-dir.ts";
import { LOG_FILES } from "../engines/message-log/index.ts";
import { STORE_FILES } from "../engines/store/index.ts";
import type { Counts } from "../model/counts.ts";
import type { Backups } from "../ports/backups.ts";
import type { LogUpkeep } from "../ports/log-upkeep.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { Stores } from "../ports/stores.ts";
import type { Registry } from "../registry/registry.ts";
import type { HubOptions } from "./hub-options.ts";
import { ADMIN_TOKEN_FILE } from "./storage.ts";

export interface OperationsDeps {
  readonly dataDir: DataDir;
  readonly log: MessageLog & LogUpkeep;
  readonly stores: Stores;
  readonly registry: Registry;
  readonly counts: Counts;
}

/** What the operator does while the hub runs. */
export function buildOperations(options: HubOptions, deps: OperationsDeps): OperatorParts {
  return { activity: buildActivity(options, deps), backups: buildBackups(options, deps) };
}

function buildActivity(
  { clock, logger, vitals }: HubOptions,
  { log, stores, registry, counts }: OperationsDeps,
): (limit: number | undefined) => Promise<Activity> {
  const backlog = createBacklog({ log, agents: stores.agents, clock, logger });
  return createActivity({ counts, vitals, clock, backlog, log, presence: registry.presence });
}

function buildBackups({ config, clock, version }: HubOptions, { dataDir, log }: OperationsDeps): Backups {
  return createBackups({
    path: dataDir.path,
    folder: config.backupDir ?? join(dataDir.path, "backups"),
    hubId: config.hubId,
    hubVersion: version,
    nowUnixMs: () => clock.nowUnixMs(),
    secretNames: [ADMIN_TOKEN_FILE],
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
