import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { openEnvironment } from "./environment.ts";

/**
 * Writes the log anew without its free pages, which hold what was deleted and erased until something else is
 * written there. The old file or the new one is in place at every moment.
 * @param path folder of the log; nobody else may have it open
 * @throws MeshError storage_full, unavailable; the log is as it was
 */
export async function compactLog(path: string): Promise<void> {
  const folder = join(path, "compacted.tmp");
  const copy = join(folder, "data.mdb");
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
    const env = await openEnvironment(path, "power");
    try {
      await env.copyTo(folder);
    } finally {
      await env.close();
    }
    await syncPath(copy);
    await rename(copy, join(path, "data.mdb"));
    await syncPath(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
