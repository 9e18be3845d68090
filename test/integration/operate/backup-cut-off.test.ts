import { readdirSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { restoreDataDir, verifyBackup } from "../../../src/offline.ts";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { mountSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { until } from "../../support/until.ts";
import { runCli } from "../cli/cli-process.ts";
import { BatchSender } from "../survival/batch-sender.ts";
import { type HalfBackup, haltInBackup } from "./cut-backup.ts";
import { operatorResult, testFolder } from "./operator-cli.ts";

const MIB = 1_048_576;
const PIECE_BYTES = 500_000;
/** Large enough that copying and hashing take a while. */
const PIECES = 40;
/** The data twice, and the room that a backup leaves to the hub. */
const DISK_MIB = 90;
const LONG_MS = 120_000;

interface Stage {
  readonly name: string;
  readonly isThere: (half: HalfBackup) => boolean;
}

const STAGES: readonly Stage[] = [
  { name: "while the log is copied", isThere: ({ files }) => (files.get("log/data.mdb") ?? 0) > 5 * MIB },
  {
    name: "when all is copied",
    // While it looks into the copy of the log it has a lock file, whose room it gives back.
    isThere: ({ files }) => files.has("VERSION") && !files.has("log/lock.mdb") && !files.has("manifest.json"),
  },
];

/** The ids of what fills the hub, in bob's inbox. */
async function fill(hub: TestHub, alice: TestAgent): Promise<string[]> {
  const sender = await BatchSender.open(hub, alice);
  const payload = JSON.stringify("x".repeat(PIECE_BYTES));
  const outcomes = await sender.sendAll(
    Array.from({ length: PIECES }, () => ({ to: "bob", payload })),
    2,
  );
  await sender.close();
  return outcomes.map(({ id }) => String(id));
}

async function inboxIds(hub: TestHub, { token }: TestAgent): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ""; ; ) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const page = await hub.call("GET", `/messages?ack=manual&limit=50${query}`, { token });
    expect(page.status).toBe(200);
    const messages = page.messages();
    if (messages.length === 0) return ids;
    ids.push(...messages.map(({ id }) => id));
    cursor = messages.at(-1)?.cursor ?? "";
  }
}

/** Neither the one nor the other takes it for a backup, and nothing is made of it. */
async function expectRefused(half: string): Promise<void> {
  const folder = await testFolder();
  const restore = { from: half, to: join(folder, "data"), isForced: false, nowUnixMs: Date.now };
  for (const look of [() => verifyBackup(half), () => restoreDataDir(restore)]) {
    await expect(look()).rejects.toMatchObject({ code: "not_found" });
  }
  expect(await readdir(folder)).toEqual([]);
}

/** A backup that is taken now, and what a hub on it gives to bob. */
async function expectWholeBackup(hub: TestHub, name: string, bob: TestAgent, ids: string[]): Promise<void> {
  const backup = (await operatorResult(hub, "backup", "--name", name)).trim();
  const verified = await runCli(["backup", "verify", backup]);
  expect(verified.code, verified.err).toBe(0);
  const dataDir = join(await testFolder(), "data");
  await restoreDataDir({ from: backup, to: dataDir, isForced: false, nowUnixMs: Date.now });
  await using copy = await startHub({ dataDir });
  expect(await inboxIds(copy, bob)).toEqual(ids);
}

test(
  "a hub that is killed in the middle of a backup leaves none, loses nothing, and makes a whole one later",
  () =>
    withHub({ env: { MESHKORE_DURABILITY: "process" } }, async (hub) => {
      const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
      const ids = await fill(hub, alice);
      const folder = join(hub.dataDir, "backups");
      for (const { name, isThere } of STAGES) {
        const { half, result } = await haltInBackup(hub, folder, isThere);
        await hub.kill();
        const cli = await result;
        expect([name, cli.code === 0, cli.out]).toEqual([name, false, ""]);
        expect(readdirSync(half.path), name).not.toContain("manifest.json");
        await expectRefused(half.path);
        await hub.start();
      }
      expect(await inboxIds(hub, bob)).toEqual(ids);
      await expectWholeBackup(hub, "whole", bob, ids);
      expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
    }),
  LONG_MS,
);

async function backupOnFullDisk(hub: TestHub, disk: SmallDisk, { name, isThere }: Stage): Promise<void> {
  const folder = join(disk.path, "backups");
  const { result } = await haltInBackup(hub, folder, isThere);
  const others = readdirSync(folder).filter((entry) => !entry.startsWith("."));
  disk.fill("brim");
  process.kill(hub.pid, "SIGCONT");
  const cli = await result;
  expect([name, cli.code === 0, cli.out]).toEqual([name, false, ""]);
  expect(JSON.parse(cli.err).error, name).toMatchObject({ code: "storage_full", hint: expect.any(String) });
  expect(readdirSync(folder), `${name}: the half is cleared away`).toEqual(others);
  expect((await hub.call("GET", "/healthz")).status).toBe(200);
  expect((await hub.call("GET", "/readyz")).status).toBe(200);
  rmSync(join(disk.path, "brim"));
}

test(
  "a disk that fills up in the middle of a backup refuses it in words; the hub goes on, and there is no half backup",
  async (context) => {
    using disk = mountSmallDisk(DISK_MIB);
    if (disk === undefined) {
      console.warn("SKIPPED: the full disk needs root on Linux, to mount a small one");
      return context.skip();
    }
    const env = { MESHKORE_BACKUP_DIR: join(disk.path, "backups"), MESHKORE_DURABILITY: "process" };
    await using hub = await startHub({ dataDir: join(disk.path, "data"), env });
    const { pid } = hub;
    const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
    const ids = await fill(hub, alice);

    for (const stage of STAGES) {
      await backupOnFullDisk(hub, disk, stage);
      const sent = await until("room again", async () => {
        const answer = await alice.post("/send", { to: "bob", payload: stage.name, receipts: false });
        return answer.status === 202 ? String(answer.field("message_id")) : undefined;
      });
      ids.push(sent);
    }
    expect(hub.pid).toBe(pid);
    expect(await inboxIds(hub, bob)).toEqual(ids);
    for (const name of readdirSync(join(disk.path, "backups"))) {
      rmSync(join(disk.path, "backups", name), { recursive: true });
    }
    await expectWholeBackup(hub, "whole", bob, ids);
  },
  LONG_MS,
);
