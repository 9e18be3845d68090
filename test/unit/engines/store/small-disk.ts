import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/** A file system of a few MiB in memory; undefined where this process may not mount one (it takes root on Linux). */
export async function mountSmallDisk(sizeBytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), "meshkore-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path], { stdio: "pipe" });
  } catch (thrown) {
    await rmdir(path);
    process.stderr.write(`SKIPPED: a full disk cannot be tried here, mount says: ${String(thrown)}\n`);
    return undefined;
  }
  return {
    path,
    async remove() {
      execFileSync("umount", [path]);
      await rmdir(path);
    },
  };
}
