import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openEnvironment } from "../../../../src/engines/message-log/embedded/environment.ts";
import { inspectLog } from "../../../../src/engines/message-log/embedded/inspect.ts";
import { mountSmallDisk } from "../../../support/small-disk.ts";

const BLOCK_BYTES = 512;

async function emptyLog(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "meshkore-lock-file-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await (await openEnvironment(folder, "process")).close();
  return folder;
}

test("the lock file of a log has no holes", async () => {
  const { size, blocks } = await stat(join(await emptyLog(), "lock.mdb"));
  expect(blocks * BLOCK_BYTES).toBeGreaterThanOrEqual(size);
});

// Without room of its own for the lock file this ends the process of the test with SIGBUS.
test("a log on a full disk is refused in words, and nothing is left behind", async (context) => {
  const folder = await emptyLog();
  using disk = mountSmallDisk(1);
  if (disk === undefined) {
    console.warn("SKIPPED: the full disk needs root on Linux, to mount a small one");
    return context.skip();
  }
  const copy = join(disk.path, "log");
  await mkdir(copy);
  await copyFile(join(folder, "data.mdb"), join(copy, "data.mdb"));
  disk.fill("brim");
  await expect(inspectLog(copy, false)).rejects.toMatchObject({ code: "storage_full" });
  await expect(openEnvironment(copy, "power")).rejects.toMatchObject({ code: "storage_full" });
  expect(await readdir(copy)).toEqual(["data.mdb"]);
  await rm(join(disk.path, "brim"));
  expect(await inspectLog(copy, true)).toMatchObject({ streams: 0, problems: [] });
});
