import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const DIRECTORY_MODE = 0o700;
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{16}\.tmp$/;

/**
 * Makes the directory and those above it, with mode 0700. An entry is durable only when the directory that holds it
 * is synced: without that, a power cut could take all of a new hub's data with the directory.
 */
export async function makeDurableDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

/** The file has the old text or the new one, whole, at every moment; the new one, durably, when it answers. */
export async function writeFileAtomically(
  directory: string,
  file: { readonly name: string; readonly text: string; readonly mode: number },
): Promise<void> {
  const temporary = join(directory, `.${file.name}.${randomBytes(8).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", file.mode);
    try {
      await handle.writeFile(file.text, "utf8");
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, file.name));
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncDirectory(directory);
}

/** Removes what writers left that were killed in between. Only for the holder of the directory's lock. */
export async function removeTemporaryFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (TEMPORARY_NAME.test(name)) await rm(join(directory, name), { force: true });
  }
}

/** Syncs all files and folders below the folder, and itself: what was copied there is durable then. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncDirectory(path);
  }
  await syncDirectory(folder);
}

/** A name in it is durable only then; a file is synced the same way. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
