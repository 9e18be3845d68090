import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MeshError } from "../../model/errors.ts";
import { dataDirError } from "./data-dir-error.ts";

const SQLITE_BUSY = 5;
const FILE_NAME = "lock.sqlite";
const FILE_MODE = 0o600;

/**
 * Holds the directory for this process. The lock is SQLite's exclusive lock on an empty database, which the system
 * drops when the process ends: nothing stale is left after kill -9 or a power cut, as a pid file would be.
 * Nobody in this process may open and close lock.sqlite by other means: POSIX would drop the lock.
 * @returns what gives the lock back
 * @throws MeshError unavailable when another process, or this one, holds it
 */
export function lockDirectory(path: string): () => void {
  const file = join(path, FILE_NAME);
  createFile(path, file);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, so the journal need not be a file.
    db.exec("pragma journal_mode = memory; begin exclusive");
  } catch (thrown) {
    if (db?.isOpen) db.close();
    throw lockError(path, thrown);
  }
  const held = db;
  return () => {
    if (held.isOpen) held.close();
  };
}

/** Whether some process, this one too, holds the directory. @throws MeshError unavailable when that cannot be told */
export function isDirectoryLocked(path: string): boolean {
  try {
    lockDirectory(path)();
    return false;
  } catch (thrown) {
    if (thrown instanceof MeshError && sqliteCode(thrown.cause) === SQLITE_BUSY) return true;
    throw thrown;
  }
}

/** Made here, since SQLite says only "unable to open" where the system says why. */
function createFile(path: string, file: string): void {
  try {
    closeSync(openSync(file, "ax", FILE_MODE));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return;
    throw dataDirError(path, "write in", thrown);
  }
}

function lockError(path: string, thrown: unknown): MeshError {
  if (sqliteCode(thrown) === SQLITE_BUSY) {
    return new MeshError("unavailable", `data directory ${path} is in use by another hub`, {
      hint: "stop the other hub, or set MESHKORE_DATA_DIR to another directory",
      cause: thrown,
    });
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new MeshError("unavailable", `cannot lock the data directory ${path}: ${reason}`, {
    hint: `let the hub's user write ${FILE_NAME}; when no hub runs, the file may be removed`,
    cause: thrown,
  });
}

/** The primary result code: the low byte of the extended one. */
function sqliteCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error && "errcode" in thrown)) return undefined;
  return typeof thrown.errcode === "number" ? thrown.errcode & 0xff : undefined;
}
