import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { restoreDataDir, verifyBackup } from "../../../src/offline.ts";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import type { RestMessage } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";
import { runCli } from "../cli/cli-process.ts";
import { BatchSender, numberedDrafts } from "../survival/batch-sender.ts";
import { operatorCli, operatorResult, testFolder } from "./operator-cli.ts";

const BATCH = 20;
/** Several hubs and command lines, one after the other. */
const LONG_MS = 90_000;

/** A hub on what was restored; the agents' credentials are those of before. */
async function restoredHub(backup: string): Promise<TestHub> {
  const dataDir = join(await testFolder(), "data");
  await restoreDataDir({ from: backup, to: dataDir, isForced: false, nowUnixMs: Date.now });
  return startHub({ dataDir });
}

/** An agent of a hub on the copy of another one's data. */
function sameAgent(hub: TestHub, agent: TestAgent) {
  return {
    get: (path: string) => hub.call("GET", path, { token: agent.token }),
    post: (path: string, body: object) => hub.call("POST", path, { token: agent.token, body }),
  };
}

async function wholeInbox(hub: TestHub, agent: TestAgent): Promise<readonly RestMessage[]> {
  const all: RestMessage[] = [];
  for (let cursor = ""; ; ) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const page = await sameAgent(hub, agent).get(`/messages?limit=500&ack=manual${query}`);
    const messages = page.messages();
    if (messages.length === 0) return all;
    all.push(...messages);
    cursor = messages.at(-1)?.cursor ?? "";
  }
}

test(
  "a backup under load holds every message that was accepted before it, in order; what came later is a gap",
  () =>
    withHub({}, async (hub) => {
      const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
      await alice.post("/channels", { name: "room", members: ["bob"] });
      const sender = await BatchSender.open(hub, alice);
      const drafts = numberedDrafts("bob", 50_000, 300);
      let accepted = 0;
      let isOver = false;
      const load = (async () => {
        for (let at = 0; !isOver && at < drafts.length; at += BATCH) {
          await sender.sendAll(drafts.slice(at, at + BATCH), BATCH);
          accepted = at + BATCH;
        }
      })();
      await until("the load is under way", () => accepted >= 400);
      await alice.post("/channels/room/send", { payload: "to all" });
      const acked = (await bob.get("/messages?limit=50")).messages().at(-1)?.cursor;
      await bob.post("/messages/ack", { cursor: acked });
      const acceptedBefore = accepted;

      const backup = (await operatorResult(hub, "backup", "--name", "under-load")).trim();
      const acceptedDuring = accepted;
      await until("the load goes on", () => accepted > acceptedDuring);
      isOver = true;
      await load;
      const newest = (await wholeInbox(hub, bob)).at(-1)?.cursor ?? "";
      expect(backup).toBe(join(hub.dataDir, "backups", "under-load"));
      expect((await stat(backup)).mode & 0o777).toBe(0o700);
      expect((await runCli(["backup", "verify", backup])).out).toContain("2 agents, 1 channels");

      await using copy = await restoredHub(backup);
      const numbers = (await wholeInbox(copy, bob))
        .filter(({ kind, channel }) => kind === "MESSAGE" && channel === undefined)
        .map(({ payload }) => Number(Object(payload).n));
      expect(numbers, "the first 50 are acknowledged").toEqual(numbers.map((_, index) => index + 50));
      expect(numbers.at(-1)).toBeGreaterThanOrEqual(acceptedBefore - 1);
      expect((await wholeInbox(copy, bob)).some(({ channel }) => channel === "room")).toBe(true);

      const restored = sameAgent(copy, bob);
      expect((await restored.get(`/messages?ack=manual&limit=1&cursor=${acked}`)).messages()).toHaveLength(1);
      // A reader that saw more than the backup holds: now, and when as many messages are there again.
      const gap = async () => (await restored.get(`/messages?ack=manual&cursor=${newest}`)).refusal().code;
      expect(await gap()).toBe("gap");
      const again = await BatchSender.open(copy, alice);
      await again.sendAll(numberedDrafts("bob", accepted - numbers.length, 1), 500);
      expect(await gap()).toBe("gap");
    }),
  LONG_MS,
);

test(
  "backups stand side by side, and each is as of its own time",
  () =>
    withHub({}, async (hub) => {
      const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
      const folders: string[] = [];
      for (const text of ["one", "two"]) {
        await alice.post("/send", { to: "bob", payload: text, receipts: false });
        folders.push((await operatorResult(hub, "backup")).trim());
      }
      expect(new Set(folders).size).toBe(2);
      const payloads = async (backup: string) => {
        await using copy = await restoredHub(backup);
        return (await wholeInbox(copy, bob)).map(({ payload }) => payload);
      };
      expect(await payloads(folders[0] ?? "")).toEqual(["one"]);
      expect(await payloads(folders[1] ?? "")).toEqual(["one", "two"]);
    }),
  LONG_MS,
);

test("a backup is refused under a name that is taken or none, and to an agent", () =>
  withHub({}, async (hub) => {
    const agent = await hub.join("alice");
    await operatorResult(hub, "backup", "--name", "first");
    const refused = async (name: string) =>
      JSON.parse((await operatorCli(hub, "--json", "backup", "--name", name)).err);
    expect((await refused("first")).error).toMatchObject({ code: "already_exists" });
    for (const name of ["../out", ".hidden", "a/b", "x".repeat(64), "UPPER"]) {
      expect((await refused(name)).error).toMatchObject({
        code: "invalid_argument",
        hint: expect.any(String),
      });
    }
    const env = { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: agent.token };
    expect((await runCli(["backup"], { env })).err).toContain("only the operator may do this");
    expect(await readdir(join(hub.dataDir, "backups"))).toEqual(["first"]);
  }));

test("what a killed hub began is no backup, and the next one clears it away", () =>
  withHub({}, async (hub) => {
    const folder = join(hub.dataDir, "backups");
    const half = join(folder, ".backup.0123456789abcdef.tmp");
    await mkdir(half, { recursive: true });
    await writeFile(join(half, "store.sqlite"), "half");
    expect((await runCli(["backup", "verify", half])).code).toBe(3);
    await operatorResult(hub, "backup", "--name", "whole");
    expect(await readdir(folder)).toEqual(["whole"]);
  }));

test(
  "a damaged backup is found out, and restores nothing",
  () =>
    withHub({}, async (hub) => {
      await hub.join("alice");
      const target = join(await testFolder(), "data");
      let damaged = "";
      const damage: Record<string, (path: string) => Promise<unknown>> = {
        "log/data.mdb": async (path) => {
          const bytes = await readFile(path);
          bytes[9000] = (bytes[9000] ?? 0) ^ 1;
          await writeFile(path, bytes);
        },
        "store.sqlite": (path) => truncate(path, 8192),
        "manifest.json": (path) => writeFile(path, '{"kind":"meshkore.backup"'),
        VERSION: (path) => writeFile(path, "{}"),
      };
      for (const [name, harm] of Object.entries(damage)) {
        const backup = (await operatorResult(hub, "backup")).trim();
        await harm(join(backup, name));
        const restore = { from: backup, to: target, isForced: false, nowUnixMs: Date.now };
        // One after the other: a refusal that nobody waits for yet would count as an error of its own.
        for (const look of [() => verifyBackup(backup), () => restoreDataDir(restore)]) {
          await expect(look()).rejects.toMatchObject({
            code: "malformed",
            message: expect.stringContaining(name),
          });
        }
        damaged = backup;
      }
      const { code, err } = await runCli(["restore", damaged, "--data-dir", target]);
      expect([code, err]).toEqual([1, expect.stringContaining("hint: take another backup")]);
      await expect(readdir(target)).rejects.toMatchObject({ code: "ENOENT" });
      expect(await readdir(join(target, "..")), "nothing is left beside it").toEqual([]);
    }),
  LONG_MS,
);

test(
  "a restore refuses a directory in use, and one that holds something unless it may move it aside",
  () =>
    withHub({ env: { MESHKORE_ADMIN_TOKEN: undefined } }, async (hub) => {
      const token = (await readFile(join(hub.dataDir, "admin-token"), "utf8")).trim();
      const backup = join(await testFolder(), "kept");
      await hub.stop();
      await hub.start({ MESHKORE_BACKUP_DIR: join(backup, ".."), MESHKORE_ADMIN_TOKEN: undefined });
      const env = { MESHKORE_URL: hub.http, MESHKORE_DATA_DIR: hub.dataDir };
      const made = await runCli(["backup", "--name", "kept"], { env });
      expect(made.out.trim(), made.err).toBe(backup);

      const restore = (...more: string[]) => runCli(["restore", backup, "--data-dir", hub.dataDir, ...more]);
      expect((await restore("--force")).err).toContain("in use by another hub");
      await hub.stop();
      expect((await restore()).err).toContain("is not empty");
      await copyFile(join(hub.dataDir, "VERSION"), join(hub.dataDir, "of-before"));
      const forced = await restore("--force");
      expect(forced.code, forced.err).toBe(0);
      const aside = /former directory +(\S+)/.exec(forced.out)?.[1] ?? "";
      expect(await readdir(aside)).toContain("of-before");
      expect(await readdir(hub.dataDir)).not.toContain("of-before");
      await hub.start({ MESHKORE_ADMIN_TOKEN: undefined });
      const answer = await hub.call("GET", "/invites", { token });
      expect(answer.status, "the operator's token came back").toBe(200);
      await hub.stop();
      await rm(aside, { recursive: true });
    }),
  LONG_MS,
);
