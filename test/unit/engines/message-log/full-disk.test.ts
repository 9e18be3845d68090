import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const CHILD = fileURLToPath(new URL("./full-disk-child.ts", import.meta.url));

/** A small disk of its own; undefined when this process may not mount one. */
function mountSmallDisk(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), "meshkore-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=60m", "tmpfs", path]).status === 0;
  onTestFinished(() => {
    if (mounted) spawnSync("umount", [path]);
    rmdirSync(path);
  });
  return mounted ? path : undefined;
}

describe("a full disk under the embedded log", () => {
  it.for(["power", "process"])(
    "%s: refuses with storage_full, keeps reading, goes on when there is room",
    {
      timeout: 60_000,
    },
    (durability, { skip }) => {
      const disk = mountSmallDisk();
      if (disk === undefined) {
        console.warn("SKIPPED: the full disk test has to run as root, to mount a small disk");
        return skip("may not mount a small disk");
      }
      const child = spawnSync(process.execPath, [CHILD, disk, durability], {
        encoding: "utf8",
        timeout: 50_000,
      });
      expect({ code: child.status, signal: child.signal }, child.stderr).toEqual({ code: 0, signal: null });
      expect(JSON.parse(child.stdout)).toEqual({
        fullAppends: ["storage_full"],
        // Marks need little: they are taken while there is any room.
        fullAck: "stored",
        brimAppends: ["storage_full"],
        brimAck: "storage_full",
        readWhileFull: true,
        reopenedWhileFull: true,
        markWhileFull: 2,
        trimmed: 400,
        // What was trimmed is room, although the file does not shrink.
        trimmedAppends: ["stored"],
        freeAppends: ["stored", "stored"],
        freeAcks: ["stored", "stored"],
        readAfter: true,
        reopenedAfter: true,
        mark: 5,
        fatals: 0,
      });
    },
  );
});
