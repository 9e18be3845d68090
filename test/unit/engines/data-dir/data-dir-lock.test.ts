import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDataDir } from "../../../../src/engines/data-dir/data-dir.ts";

const HOLDER = fileURLToPath(new URL("./hold-lock.ts", import.meta.url));
const IN_USE = {
  code: "unavailable",
  message: expect.stringMatching(/^data directory .* is in use by another hub$/),
  hint: expect.stringContaining("MESHKORE_DATA_DIR"),
};

let path: string;
let holder: ChildProcess | undefined;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "meshkore-data-"));
});
afterEach(async () => {
  if (holder !== undefined) await kill(holder);
  holder = undefined;
  await rm(path, { recursive: true });
});

it("refuses a second process, and is free once the first was killed", { timeout: 20_000 }, async () => {
  holder = await holdInAnotherProcess();
  await expect(openDataDir(path)).rejects.toMatchObject(IN_USE);
  await kill(holder);
  await (await openDataDir(path))[Symbol.asyncDispose]();
});

it("refuses a second process while this one holds it", { timeout: 20_000 }, async () => {
  const dir = await openDataDir(path);
  const [code, complaint] = await tryInAnotherProcess();
  expect(code).not.toBe(0);
  expect(complaint).toMatch(/is in use by another hub/);
  await dir[Symbol.asyncDispose]();
});

it("refuses a second time in one process, and is free when it was given back", async () => {
  const dir = await openDataDir(path);
  await expect(openDataDir(path)).rejects.toMatchObject(IN_USE);
  await expect(openDataDir(path), "the refused attempt changed nothing").rejects.toMatchObject(IN_USE);
  await dir[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
  await (await openDataDir(path))[Symbol.asyncDispose]();
});

it("gives the lock back when the directory turns out to be unfit", async () => {
  await writeFile(join(path, "VERSION"), "nonsense");
  await expect(openDataDir(path)).rejects.toMatchObject({ message: expect.stringMatching(/VERSION/) });
  await rm(join(path, "VERSION"));
  await (await openDataDir(path))[Symbol.asyncDispose]();
});

it("says so when the lock file is not its own", async () => {
  await writeFile(
    join(path, "lock.sqlite"),
    "somebody else's file, long enough to be no database".repeat(50),
  );
  await expect(openDataDir(path)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/cannot lock/),
    hint: expect.stringContaining("lock.sqlite"),
  });
});

async function holdInAnotherProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function tryInAnotherProcess(): Promise<[number | null, string]> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint += String(chunk);
  });
  await once(child, "close");
  return [child.exitCode, complaint];
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
