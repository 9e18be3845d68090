import { randomBytes } from "node:crypto";
import type { Config } from "../config.ts";
import type { DataDir } from "../engines/data-dir/data-dir.ts";
import { LOG_FILES, MESSAGE_LOG_ENGINES } from "../engines/message-log/index.ts";
import { STORE_ENGINES, STORE_FILES } from "../engines/store/index.ts";
import { createTurns } from "../model/turns.ts";
import type { HubKeys } from "../ports/hub-keys.ts";
import type { LogMeter } from "../ports/log-meter.ts";
import type { HubOptions } from "./hub-options.ts";

export const ADMIN_TOKEN_FILE = "admin-token";
/** Signs what the hub says of its agents. */
export const CARD_KEY_FILE = "card-key";

export async function openLog(
  { config, clock, logger, onFatal }: HubOptions,
  dataDir: DataDir,
  meter: LogMeter,
) {
  const open = await MESSAGE_LOG_ENGINES.embedded();
  return open({
    path: dataDir.logPath,
    durability: config.durability,
    nowUnixMs: () => clock.nowUnixMs(),
    onFatal,
    meter,
    onWatcherError: (error) => logger.error("wake.failed", { error }),
  });
}

export async function openStores({ preloads, onFatal }: HubOptions, dataDir: DataDir) {
  const open = await STORE_ENGINES.sqlite();
  return open({ path: dataDir.storePath, preloads, onFatal });
}

/**
 * What erased agents left in free pages of the files goes, before anybody has them open. A hub that cannot do it
 * now starts nevertheless, and the next start tries again.
 */
export async function compactIfDue({ logger }: HubOptions, dataDir: DataDir): Promise<void> {
  if (!dataDir.isCompactionDue) return;
  try {
    const [{ compactLog }, { compactSqliteStore }] = await Promise.all([
      LOG_FILES.embedded(),
      STORE_FILES.sqlite(),
    ]);
    await compactLog(dataDir.logPath);
    compactSqliteStore(dataDir.storePath);
    await dataDir.compactionDone();
    logger.info("data.compacted", { dataDir: dataDir.path });
  } catch (error) {
    logger.error("data.not_compacted", { error });
  }
}

export interface AdminToken {
  readonly token: string;
  /** Made now: it is kept once the hub has started. */
  readonly isNew: boolean;
}

/** The configured operator's token, else the kept one, else a new one. */
export async function adminToken(config: Config, dataDir: DataDir): Promise<AdminToken> {
  if (config.adminToken !== undefined) return { token: config.adminToken, isNew: false };
  const kept = await dataDir.readSecret(ADMIN_TOKEN_FILE);
  if (kept !== undefined) return { token: kept, isNew: false };
  return { token: `mka_${randomBytes(32).toString("base64url")}`, isNew: true };
}

/** Keys as files of the data directory, mode 0600. */
export function hubKeys(dataDir: DataDir): HubKeys {
  const turns = createTurns();
  return {
    keep: (name, make) =>
      turns.take(name, async () => {
        const kept = await dataDir.readSecret(name);
        if (kept !== undefined) return kept;
        const made = await make();
        await dataDir.writeSecret(name, made);
        return made;
      }),
  };
}
