import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { watchFiles } from "../../../src/listeners/tls-watch.ts";
import { until } from "../../support/until.ts";

async function openDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "meshkore-watch-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Counts what the watch tells. */
async function watch(...paths: string[]): Promise<{ readonly changes: () => number }> {
  let changes = 0;
  const watching = await watchFiles({
    paths,
    everyMs: 5,
    onChange: () => {
      changes += 1;
    },
  });
  onTestFinished(() => watching.close());
  return { changes: () => changes };
}

/** Linux gives another text at each reading. */
const EVER_CHANGING = "/proc/sys/kernel/random/uuid";

/** Long enough for ten looks, to see that nothing more is told. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("watchFiles", () => {
  it("tells of a file that was written over, once", async () => {
    const dir = await openDir();
    await writeFile(join(dir, "cert"), "1");
    const { changes } = await watch(join(dir, "cert"));
    await writeFile(join(dir, "cert"), "2");
    await until("a change", () => changes() === 1);
    await aWhile();
    expect(changes()).toBe(1);
  });

  it("tells of a file that another one was renamed to", async () => {
    const dir = await openDir();
    await writeFile(join(dir, "cert"), "1");
    const { changes } = await watch(join(dir, "cert"));
    await writeFile(join(dir, "new"), "2");
    await rename(join(dir, "new"), join(dir, "cert"));
    await until("a change", () => changes() === 1);
  });

  it("tells of a symbolic link that was swapped, at the file and above it", async () => {
    const dir = await openDir();
    for (const version of ["1", "2", "3"]) {
      await mkdir(join(dir, version));
      await writeFile(join(dir, version, "tls.crt"), version);
    }
    const swap = async (version: string) => {
      await symlink(version, join(dir, "..next"));
      await rename(join(dir, "..next"), join(dir, "..data"));
    };
    await swap("1");
    // As Kubernetes mounts a secret.
    await symlink("..data/tls.crt", join(dir, "tls.crt"));
    const file = await watch(join(dir, "tls.crt"));
    const folder = await watch(join(dir, "..data", "tls.crt"));
    await swap("2");
    await until("both changes", () => file.changes() === 1 && folder.changes() === 1);
    await swap("3");
    await until("both changes again", () => file.changes() === 2 && folder.changes() === 2);
  });

  it("tells of a file that went away and of its return, and nothing of equal content", async () => {
    const dir = await openDir();
    await writeFile(join(dir, "key"), "1");
    const { changes } = await watch(join(dir, "key"));
    await rm(join(dir, "key"));
    await until("the loss", () => changes() === 1);
    await writeFile(join(dir, "key"), "1");
    await until("the return", () => changes() === 2);
    await writeFile(join(dir, "key"), "1");
    await aWhile();
    expect(changes()).toBe(2);
  });

  it.runIf(existsSync(EVER_CHANGING))("does not tell of what is just being written", async () => {
    const { changes } = await watch(EVER_CHANGING);
    await aWhile();
    expect(changes()).toBe(0);
  });

  it("tells nothing after its end", async () => {
    const dir = await openDir();
    await writeFile(join(dir, "key"), "1");
    let changes = 0;
    const watching = await watchFiles({
      paths: [join(dir, "key")],
      everyMs: 5,
      onChange: () => {
        changes += 1;
      },
    });
    watching.close();
    await writeFile(join(dir, "key"), "2");
    await aWhile();
    expect(changes).toBe(0);
  });
});
