import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "../../../model/errors.ts";
import type { Fault } from "./protocol.ts";

// Primary result codes, the low byte of an extended one: https://www.sqlite.org/rescode.html
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const CONSTRAINT_PRIMARYKEY = 1555;
const CONSTRAINT_UNIQUE = 2067;

/** With less than this free, a failed write is taken for a full disk. */
const ROOM_BYTES = 256 * 1024;
const FULL_RETRY_AFTER_S = 30;
const BUSY_RETRY_AFTER_S = 1;

/** Describes what node:sqlite threw. Runs in the database thread. */
export function faultFromUnknown(thrown: unknown, path: string): Fault {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const sqliteCode = sqliteCodeOf(thrown);
  return { sqliteCode, message, diskFull: isDiskFull(sqliteCode & 0xff, path) };
}

function sqliteCodeOf(thrown: unknown): number {
  if (typeof thrown !== "object" || thrown === null || !("errcode" in thrown)) return 0;
  return typeof thrown.errcode === "number" ? thrown.errcode : 0;
}

/** A full disk says FULL mostly, but an I/O error when the shared-memory file cannot grow. */
function isDiskFull(primaryCode: number, path: string): boolean {
  if (primaryCode === FULL) return true;
  if (primaryCode !== IOERR && primaryCode !== CANTOPEN) return false;
  try {
    const disk = statfsSync(dirname(path));
    return disk.bavail * disk.bsize < ROOM_BYTES;
  } catch {
    return false;
  }
}

/** The error that crosses the module's border. What SQLite said stays in `cause`. */
export function meshErrorFromFault(fault: Fault): MeshError {
  const cause = new Error(`SQLite ${fault.sqliteCode}: ${fault.message}`);
  if (fault.diskFull) {
    return new MeshError("storage_full", "the hub's disk is full; nothing was written", {
      hint: "try again later; the operator has to free space under the data directory",
      retryAfterS: FULL_RETRY_AFTER_S,
      cause,
    });
  }
  if (fault.sqliteCode === CONSTRAINT_PRIMARYKEY || fault.sqliteCode === CONSTRAINT_UNIQUE) {
    return new MeshError("already_exists", "this name is taken", { hint: "choose another one", cause });
  }
  switch (fault.sqliteCode & 0xff) {
    case BUSY:
    case LOCKED:
      return new MeshError("unavailable", "the store is busy", {
        hint: "try again; a backup or another program holds the store's file",
        retryAfterS: BUSY_RETRY_AFTER_S,
        cause,
      });
    case READONLY:
    case IOERR:
    case CANTOPEN:
      return new MeshError("unavailable", `the store's disk fails: ${fault.message}`, {
        hint: "the operator has to look at the disk and the rights of the data directory",
        cause,
      });
    case CORRUPT:
    case NOTADB:
      return new MeshError("unavailable", `the store is damaged: ${fault.message}`, {
        hint: "the operator has to restore store.sqlite from a backup",
        cause,
      });
    default:
      return new MeshError("internal", "the store refused a statement", {
        hint: "try again; if it repeats, ask the operator to look into the hub's log",
        cause,
      });
  }
}
