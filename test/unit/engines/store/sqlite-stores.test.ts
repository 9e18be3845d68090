import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteStores } from "../../../../src/engines/store/sqlite/sqlite-stores.ts";
import type { OpenStores } from "../../../../src/ports/stores.ts";
import {
  agentRecord,
  inviteRecord,
  joinAgents,
  NOW_MS,
  numbered,
} from "../../../suites/store/store-fixture.ts";
import { createSqliteDatabase, type SqliteDatabase } from "./sqlite-database.ts";

const PAGE_BYTES = 4096;

let database: SqliteDatabase;
beforeEach(async () => {
  database = await createSqliteDatabase();
});
afterEach(() => database.remove());

describe("opening", () => {
  it("makes files that only the hub's user reads", async () => {
    const stores = await database.open();
    for (const suffix of ["", "-wal", "-shm"]) {
      expect((await stat(database.path + suffix)).mode & 0o777, suffix).toBe(0o600);
    }
    await stores[Symbol.asyncDispose]();
  });

  it("writes ahead to a log and leaves one file when it is closed", async () => {
    const stores = await database.open();
    await joinAgents(stores, "alice");
    await stores[Symbol.asyncDispose]();
    await expect(stat(`${database.path}-wal`)).rejects.toMatchObject({ code: "ENOENT" });
    const db = new DatabaseSync(database.path);
    expect(db.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(db.prepare("select version from schema_version").all()).toEqual(
      [1, 2, 3, 4, 5, 6].map((version) => ({ version })),
    );
    db.close();
  });

  it("refuses what is no database", async () => {
    await writeFile(database.path, "this is a text, not a database".repeat(100));
    await expectNotToOpen(/damaged/);
    await rm(database.path);
    await mkdir(database.path);
    await expectNotToOpen(/cannot open/);
  });

  it("refuses a store that a newer hub wrote, and leaves it as it is", async () => {
    await (await database.open())[Symbol.asyncDispose]();
    const db = new DatabaseSync(database.path);
    db.exec("insert into schema_version values (7, 0)");
    db.close();
    await expectNotToOpen(/schema 7, this hub knows up to 6/);
  });

  async function expectNotToOpen(message: RegExp): Promise<void> {
    await expect(database.open()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  }
});

describe("closing", () => {
  it("finishes the calls that were made and refuses later ones", async () => {
    const stores = await database.open();
    const ids = numbered("agent-", 20);
    const joined = joinAgents(stores, ...ids);
    await stores.agents.count();
    const writes = ids.map((id) => stores.channels.countOwned(id));
    await joined;
    const last = stores.invites.create(inviteRecord("last"));
    await stores[Symbol.asyncDispose]();
    await Promise.all([...writes, last]);
    await expect(stores.agents.count()).rejects.toMatchObject({ code: "unavailable" });
    await expect(stores.agents.remove("agent-00000", NOW_MS)).rejects.toMatchObject({ code: "unavailable" });
    await stores[Symbol.asyncDispose]();
    const again = await database.open();
    expect(await again.invites.find("last")).toBeDefined();
    await again[Symbol.asyncDispose]();
  });
});

describe("a thread that dies", () => {
  it("rejects every call and says so once", async () => {
    const fatal: Error[] = [];
    const [stores, thread] = await openWithThread((error) => fatal.push(error));
    await joinAgents(stores, "alice");
    const waiting = [
      stores.agents.count(),
      stores.agents.remove("alice", NOW_MS),
      stores.invites.create(inviteRecord("n")),
      stores.keys.find("key-alice"),
    ].map((call) =>
      call.then(
        () => "answered",
        (error) => error.code,
      ),
    );
    await thread.terminate();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["unavailable"]));
    await expect(stores.agents.count()).rejects.toMatchObject({ code: "unavailable" });
    await expect(stores.invites.join("n", agentRecord("bob"), "key-bob", NOW_MS)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(fatal).toMatchObject([{ code: "unavailable" }]);
    await stores[Symbol.asyncDispose]();
    expect(fatal).toHaveLength(1);
  });

  async function openWithThread(onFatal: (error: Error) => void): Promise<[OpenStores, Worker]> {
    const thread = new Promise<Worker>((resolve) => process.once("worker", resolve));
    const stores = await openSqliteStores({ path: database.path, onFatal });
    return [stores, await thread];
  }
});

describe("many at once", () => {
  it("lets writes that come together share a commit", async () => {
    const stores = await database.open();
    await Promise.all(numbered("n", 100).map((nonce) => stores.invites.create(inviteRecord(nonce))));
    const { size } = await stat(`${database.path}-wal`);
    expect(size, "each commit of its own would log several pages").toBeLessThan(100 * PAGE_BYTES);
    await stores[Symbol.asyncDispose]();
  });

  it("keeps each call's own result when writes share a commit", async () => {
    const stores = await database.open();
    await stores.invites.create(inviteRecord("n00000"));
    const nonces = numbered("n", 300);
    const results = await Promise.allSettled(
      nonces.map((nonce) => stores.invites.create(inviteRecord(nonce))),
    );
    expect(results[0]).toMatchObject({ status: "rejected", reason: { code: "already_exists" } });
    expect(results.slice(1).every((result) => result.status === "fulfilled")).toBe(true);
    expect(await stores.invites.list(undefined)).toHaveLength(300);
    await stores[Symbol.asyncDispose]();
  });

  it("lets reads, writes and transactions mix without mixing them up", async () => {
    const stores = await database.open();
    const ids = numbered("agent-", 40);
    await stores.invites.create(inviteRecord("n", { maxUses: 40 }));
    await Promise.all(
      ids.map(async (id) => {
        expect(await stores.invites.join("n", agentRecord(id), `key-${id}`, NOW_MS)).toBe("joined");
        await stores.agents.setProfile(id, agentRecord(id, { description: id }).profile);
        expect(await stores.agents.find(id)).toMatchObject({ profile: { description: id } });
        await stores.access.put(id, { subject: "eve", mode: "block" });
        expect(await stores.access.rules(id)).toHaveLength(1);
      }),
    );
    expect(await stores.agents.count()).toBe(40);
    await stores[Symbol.asyncDispose]();
  });
});

describe("bounds", () => {
  it("refuses the rule after the 10,000th of one owner", async () => {
    const before = await database.open();
    await joinAgents(before, "alice");
    await before[Symbol.asyncDispose]();
    const db = new DatabaseSync(database.path);
    const insert = db.prepare("insert into access_rules values ('alice', ?, 'block')");
    db.exec("begin");
    for (const subject of numbered("s", 9_999)) insert.run(subject);
    db.exec("commit");
    db.close();

    const stores = await database.open();
    await stores.access.put("alice", { subject: "last", mode: "block" });
    const beyond = stores.access.put("alice", { subject: "beyond", mode: "block" });
    await expect(beyond).rejects.toMatchObject({ code: "quota_exceeded" });
    await stores.access.put("alice", { subject: "s00000", mode: "allow" });
    expect(await stores.access.rules("alice")).toHaveLength(10_000);
    await stores[Symbol.asyncDispose]();
  });
});
