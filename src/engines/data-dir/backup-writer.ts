import { randomBytes } from "node:crypto";
import {
  access,
  chmod,
  copyFile,
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { MeshError } from "../../model/errors.ts";
import type { Backup, BackupFile, Backups } from "../../ports/backups.ts";
import { MANIFEST_FILE, type Manifest } from "./backup-manifest.ts";
import { dataDirError } from "./data-dir-error.ts";
import { makeDurableDirectory, syncDirectory, syncTree } from "./durable-files.ts";
import { digestOfFile } from "./file-digest.ts";
import { FORMAT_FILE } from "./format-file.ts";
import { FORMAT } from "./upgrades.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const TEMPORARY = /^\..+\.[0-9a-f]{16}\.tmp$/;
/** Left free for the hub itself, which refuses messages on a full disk. */
const RESERVE_BYTES = 33_554_432;

export interface BackupDeps {
  /** The data directory. */
  readonly path: string;
  /** Where backups go; made when it is not there. */
  readonly folder: string;
  readonly hubId: string;
  readonly hubVersion: string;
  readonly nowUnixMs: () => number;
  /** Small files of the data directory that belong into a backup when they are there. */
  readonly secretNames: readonly string[];
  readonly copyLog: (folder: string) => Promise<void>;
  readonly copyStore: (file: string) => Promise<void>;
  /** Looks into the copies. */
  readonly count: (log: string, store: string) => Promise<Manifest["counts"]>;
}

/** Backups into one folder, one at a time: the caller sees to that. */
export function createBackups(deps: BackupDeps): Backups {
  return {
    async create(name) {
      const createdUnixMs = deps.nowUnixMs();
      const folder = resolve(deps.folder);
      try {
        await makeDurableDirectory(folder);
        await removeLeftovers(folder);
        const target = join(folder, await freeName(folder, name, createdUnixMs));
        await requireRoom(deps, folder);
        return await writeBackup(deps, { folder, target, createdUnixMs });
      } catch (thrown) {
        throw dataDirError(folder, "write a backup into", thrown);
      }
    },
  };
}

interface Place {
  readonly folder: string;
  readonly target: string;
  readonly createdUnixMs: number;
}

async function writeBackup(deps: BackupDeps, { folder, target, createdUnixMs }: Place): Promise<Backup> {
  const temporary = join(folder, `.backup.${randomBytes(8).toString("hex")}.tmp`);
  try {
    await mkdir(join(temporary, "log"), { recursive: true, mode: 0o700 });
    // The log first: whoever has anything in it is in the store by now, and the store forgets nobody. The other way
    // round an agent could join in between, and whoever took its name after a restore would read its inbox.
    await deps.copyLog(join(temporary, "log"));
    await deps.copyStore(join(temporary, "store.sqlite"));
    await copySmallFiles(deps, temporary);
    const counts = await deps.count(join(temporary, "log"), join(temporary, "store.sqlite"));
    const files = await listFiles(temporary);
    const manifest: Manifest = {
      kind: "meshkore.backup",
      version: 1,
      created_at: new Date(createdUnixMs).toISOString(),
      hub_id: deps.hubId,
      hub_version: deps.hubVersion,
      data_format: FORMAT,
      counts,
      files: [...files],
    };
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeFile(join(temporary, MANIFEST_FILE), text, { mode: 0o600 });
    await syncTree(temporary);
    await rename(temporary, target);
    await syncDirectory(folder);
    return { path: target, files, createdUnixMs };
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    throw thrown;
  }
}

async function copySmallFiles(deps: BackupDeps, temporary: string): Promise<void> {
  await copyFile(join(deps.path, FORMAT_FILE), join(temporary, FORMAT_FILE));
  for (const name of deps.secretNames) {
    await copyFile(join(deps.path, name), join(temporary, name)).catch((thrown: unknown) => {
      if (codeOf(thrown) !== "ENOENT") throw thrown;
    });
  }
}

/** Everything that was copied, private from now on. What only an open engine needs goes. */
async function listFiles(temporary: string): Promise<readonly BackupFile[]> {
  await rm(join(temporary, "log", "lock.mdb"), { force: true });
  const files: BackupFile[] = [];
  const names = await readdir(temporary, { recursive: true, withFileTypes: true });
  for (const entry of names.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, 0o600);
    const name = path.slice(temporary.length + 1).replaceAll("\\", "/");
    files.push({ name, ...(await digestOfFile(path)) });
  }
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws MeshError invalid_argument, already_exists */
async function freeName(folder: string, name: string, nowUnixMs: number): Promise<string> {
  if (name !== "") {
    if (!NAME.test(name) || name.includes("..")) throw badName(name);
    if (await exists(join(folder, name))) throw taken(name);
    return name;
  }
  const base = new Date(nowUnixMs).toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
  for (let number = 1; ; number++) {
    const made = number === 1 ? base : `${base}-${number}`;
    if (!(await exists(join(folder, made)))) return made;
  }
}

/** @throws MeshError storage_full */
async function requireRoom(deps: BackupDeps, folder: string): Promise<void> {
  let need = RESERVE_BYTES;
  for (const name of ["log/data.mdb", "store.sqlite", "store.sqlite-wal"]) {
    need += await stat(join(deps.path, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= need) return;
  throw new MeshError("storage_full", `a backup may need ${need} bytes free under ${folder}`, {
    hint: "remove old backups, or set MESHKORE_BACKUP_DIR to another disk",
  });
}

/** What was begun when a hub was killed; its name begins with a dot, so nobody took it for a backup. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (TEMPORARY.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}

function badName(name: string): MeshError {
  return new MeshError("invalid_argument", `not a name for a backup: ${JSON.stringify(name.slice(0, 80))}`, {
    hint: "lower-case letters, digits, dots, hyphens and underscores, at most 63, and no two dots in a row",
  });
}

function taken(name: string): MeshError {
  return new MeshError("already_exists", `there is a backup named ${name}`, { hint: "choose another name" });
}
