import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MeshError } from "../../model/errors.ts";
import { dataDirError } from "./data-dir-error.ts";
import { lockDirectory } from "./directory-lock.ts";
import { makeDurableDirectory, removeTemporaryFiles, writeFileAtomically } from "./durable-files.ts";
import { bringToFormat } from "./format-file.ts";

/** Lower-case names without a path; the directory's own files are not among them. */
const SECRET_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const SECRET_MODE = 0o600;
/** Not a secret's name. */
const COMPACTION_FILE = "COMPACT";

/** Everything that a hub keeps, in one directory. */
export interface DataDir {
  /** Absolute. */
  readonly path: string;
  /** Steps that brought it to this hub's format just now, for the operator; empty when it was so before. */
  readonly upgrades: readonly string[];
  /** Folder of the message log; its engine makes it. */
  readonly logPath: string;
  /** File of the store; its engine makes it. */
  readonly storePath: string;
  /**
   * A small secret that was written before, without a line break at its end; undefined when there is none.
   * @throws MeshError invalid_argument for a bad name, unavailable when it cannot be read
   */
  readSecret(name: string): Promise<string | undefined>;
  /**
   * Writes a small secret to a file of that name, mode 0600. Durable when it answers; who reads meanwhile, or after
   * a crash, finds the old text or the new one, whole.
   * @param name letters a-z, digits and hyphens, at most 63
   * @throws MeshError invalid_argument, storage_full, unavailable
   */
  writeSecret(name: string, text: string): Promise<void>;
  /** A hub asked for the engines' files to be written anew before they are opened next. */
  readonly isCompactionDue: boolean;
  /** Durable when it answers. */
  requestCompaction(): Promise<void>;
  compactionDone(): Promise<void>;
}

/**
 * Opens the directory, made with mode 0700 when it is not there, and holds its lock until it is disposed or the
 * process ends, however it ends.
 * @throws MeshError unavailable when another hub has it, its format is newer or unknown or it cannot be used; storage_full
 */
export async function openDataDir(givenPath: string): Promise<DataDir & AsyncDisposable> {
  const path = resolve(givenPath);
  await makeDurableDirectory(path).catch((thrown: unknown) => {
    throw dataDirError(path, "make", thrown);
  });
  const unlock = lockDirectory(path);
  let upgrades: readonly string[];
  let isCompactionDue: boolean;
  try {
    upgrades = await bringToFormat(path);
    isCompactionDue = (await readdir(path)).includes(COMPACTION_FILE);
    await removeTemporaryFiles(path);
  } catch (thrown) {
    unlock();
    throw dataDirError(path, "use", thrown);
  }
  return {
    path,
    upgrades,
    logPath: join(path, "log"),
    storePath: join(path, "store.sqlite"),
    readSecret: (name) => readSecret(path, name),
    writeSecret: (name, text) => writeSecret(path, name, text),
    isCompactionDue,
    requestCompaction: () =>
      writeFileAtomically(path, { name: COMPACTION_FILE, text: "", mode: SECRET_MODE }),
    compactionDone: () => rm(join(path, COMPACTION_FILE), { force: true }),
    [Symbol.asyncDispose]: async () => unlock(),
  };
}

async function readSecret(path: string, name: string): Promise<string | undefined> {
  requireSecretName(name);
  try {
    const text = await readFile(join(path, name), "utf8");
    // An operator's editor ends the last line.
    return text.replace(/\r?\n$/, "");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw dataDirError(path, `read ${name} in`, thrown);
  }
}

async function writeSecret(path: string, name: string, text: string): Promise<void> {
  requireSecretName(name);
  try {
    await writeFileAtomically(path, { name, text, mode: SECRET_MODE });
  } catch (thrown) {
    throw dataDirError(path, `write ${name} in`, thrown);
  }
}

function requireSecretName(name: string): void {
  if (SECRET_NAME.test(name) && name !== "log") return;
  throw new MeshError("invalid_argument", `not a name for a secret: ${JSON.stringify(name.slice(0, 80))}`, {
    hint: "use lower-case letters, digits and hyphens, at most 63",
  });
}
