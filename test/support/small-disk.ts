import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of its own in memory. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** A file that takes all the space that is left. */
  fill(name: string): void;
}

const LARGE_BYTES = 1_048_576;
const SMALL_BYTES = 512;

/** False when there was no room. */
function writeWhole(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC") return false;
    throw thrown;
  }
}

/** Undefined where this user may not mount. */
export function mountSmallDisk(mib: number): SmallDisk | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
  const path = mkdtempSync(join(tmpdir(), "meshkore-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", path], { stdio: "pipe" });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    fill(name) {
      const file = openSync(join(path, name), "w");
      try {
        // To the last byte, whoever else writes meanwhile.
        for (let bytes = LARGE_BYTES; bytes >= SMALL_BYTES; ) {
          if (!writeWhole(file, Buffer.alloc(bytes))) bytes /= 2;
        }
      } finally {
        closeSync(file);
      }
    },
    [Symbol.dispose]() {
      execFileSync("umount", [path]);
      rmSync(path, { recursive: true });
    },
  };
}
