import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { storageFull } from "./disk-full.ts";

/** More than LMDB's table of readers takes. */
const LOCK_FILE_BYTES = 12_288;

/**
 * Gives LMDB's lock file its room on the disk before LMDB makes it. LMDB would make a file with holes and write into it
 * through memory: on a full disk such a write kills the process with SIGBUS, where this says so in words.
 * @throws MeshError storage_full
 */
export async function allocateLockFile(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "lock.mdb");
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(Buffer.alloc(LOCK_FILE_BYTES));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    // It is there already, and may be in use.
    if (code === "EEXIST") return;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw thrown;
    await rm(path, { force: true });
    throw storageFull(thrown);
  }
}
