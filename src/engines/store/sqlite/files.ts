import { backup, DatabaseSync } from "node:sqlite";
import { MeshError } from "../../../model/errors.ts";
import { faultFromUnknown, meshErrorFromFault } from "./fault.ts";

/** All pages in one step: it reads one moment, and with steps in between a busy store would begin anew for ever. */
const ALL_PAGES = 2 ** 30;

/**
 * Writes the store, as it stands at one moment after the call, into a new file. Runs beside the event loop and beside
 * the store's own thread: in WAL mode a reader holds up nobody. The file is not yet synced to disk when it answers.
 * @throws MeshError storage_full, unavailable
 */
export async function copySqliteStore(path: string, target: string): Promise<void> {
  let source: DatabaseSync | undefined;
  try {
    source = new DatabaseSync(path, { readOnly: true });
    await backup(source, target, { rate: ALL_PAGES });
    makeSingleFile(target);
  } catch (thrown) {
    throw meshErrorFromFault(faultFromUnknown(thrown, target));
  } finally {
    if (source?.isOpen) source.close();
  }
}

/** Out of WAL mode, so that looking at the copy makes no side files; a hub that opens it turns the mode on again. */
function makeSingleFile(path: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec("pragma journal_mode = delete");
  } finally {
    db.close();
  }
}

export interface StoreFacts {
  readonly agents: number;
  readonly channels: number;
  readonly schema: number;
  /** What SQLite finds wrong; empty when it is sound, or was not looked for. */
  readonly problems: readonly string[];
}

/**
 * Looks into a store that no hub has open, and changes nothing.
 * @param isThorough reads and checks every page
 * @throws MeshError unavailable when it is no store or damaged beyond reading
 */
export function inspectSqliteStore(path: string, isThorough: boolean): StoreFacts {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    return {
      agents: numberOf(db, "select count(*) as n from agents where deleted_ms is null"),
      channels: numberOf(db, "select count(*) as n from channels where is_deleted = 0"),
      schema: numberOf(db, "select max(version) as n from schema_version"),
      problems: isThorough ? problemsOf(db) : [],
    };
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    throw meshErrorFromFault(faultFromUnknown(thrown, path));
  } finally {
    if (db?.isOpen) db.close();
  }
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(db.prepare(sql).get()?.["n"] ?? 0);
}

function problemsOf(db: DatabaseSync): string[] {
  const rows = db.prepare("pragma integrity_check(20)").all();
  return rows.map((row) => String(row["integrity_check"])).filter((text) => text !== "ok");
}

/**
 * Writes the store anew without its free pages and what cells that moved left behind.
 * @param path of a store that no hub has open
 * @throws MeshError storage_full, unavailable; the store is as it was
 */
export function compactSqliteStore(path: string): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec("vacuum; pragma wal_checkpoint(truncate)");
  } catch (thrown) {
    throw meshErrorFromFault(faultFromUnknown(thrown, path));
  } finally {
    if (db?.isOpen) db.close();
  }
}
