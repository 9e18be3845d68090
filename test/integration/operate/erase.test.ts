import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { operatorCli, operatorJson } from "./operator-cli.ts";

const LONG_MS = 90_000;
/** In everything that the erased agent wrote. */
const MARKER = "zq7-words-of-mallory";

/** Files under the folder that hold the marker anywhere in their bytes. */
async function filesWithMarker(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(MARKER)) found.push(entry.name);
  }
  return found.toSorted();
}

const unread = async (agent: TestAgent) => (await agent.get("/messages?ack=manual&limit=500")).messages();

/** Mallory writes wherever an agent can write. */
async function writeEverywhere(hub: TestHub, bob: TestAgent): Promise<TestAgent> {
  const mallory = await hub.join("mallory", {
    description: MARKER,
    capabilities: [MARKER],
    public_key: MARKER,
  });
  await mallory.call("PATCH", "/profile", { body: { description: `${MARKER} again` } });
  await bob.post("/send", { to: "mallory", payload: "before", receipts: false });
  for (const payload of [MARKER, { text: MARKER }, `${MARKER} ${"x".repeat(5000)}`]) {
    await mallory.post("/send", {
      to: "bob",
      payload,
      dedupe_key: `${MARKER} ${JSON.stringify(payload).length}`,
    });
  }
  await mallory.post("/channels", { name: "room", members: ["bob"], description: MARKER });
  await mallory.post("/channels/room/send", { payload: MARKER });
  const noted = await bob.post("/send", { to: "mallory", payload: `${MARKER} to her` });
  const id = String(noted.field("message_id"));
  await mallory.post(`/messages/${id}/processed`, { ok: false, note: MARKER });
  await writeTasks(mallory, bob);
  await mallory.post("/blocks", { agent: "eve" });
  await bob.post("/send", { to: "bob", payload: "after", receipts: false });
  await until("bob is told of the note and of the room", async () => {
    const inbox = await unread(bob);
    const isNoted = inbox.some(
      ({ kind, payload }) => kind === "RECEIPT" && JSON.stringify(payload).includes(MARKER),
    );
    return isNoted && inbox.some(({ channel }) => channel === "room");
  });
  return mallory;
}

/** As who gives a task, and as who does one. */
async function writeTasks(mallory: TestAgent, bob: TestAgent): Promise<void> {
  const given = await mallory.post("/tasks", {
    to: "bob",
    payload: MARKER,
    dedupe_key: MARKER,
    context_id: MARKER,
    task_metadata: { [MARKER]: MARKER },
  });
  expect(given.status, given.text).toBe(201);
  const taken = await bob.post("/tasks", { to: "mallory", payload: "for her", dedupe_key: "taken" });
  const end = { payload: { [MARKER]: MARKER }, status: "completed", dedupe_key: MARKER };
  const ended = await mallory.post(`/tasks/${taken.field("task_id")}/messages`, end);
  expect(ended.status, ended.text).toBe(200);
}

test(
  "nothing that an erased agent wrote is left: not for readers, and after a restart not in the files",
  () =>
    withHub({}, async (hub) => {
      const bob = await hub.join("bob");
      const mallory = await writeEverywhere(hub, bob);
      const before = await unread(bob);
      await hub.stop();
      expect(await filesWithMarker(hub.dataDir), "the test could not fail otherwise").toEqual([
        "data.mdb",
        "store.sqlite",
      ]);
      await hub.start();

      expect((await operatorCli(hub, "agent", "erase", "mallory")).code, "not without --yes").toBe(2);
      const told = await operatorJson(hub, "agent", "erase", "mallory", "--yes");
      expect(told).toMatchObject({ agent_id: "mallory", erased: true });
      expect(told["messages_erased"]).toBeGreaterThanOrEqual(6);

      const after = await unread(bob);
      // What the hub did to her tasks comes behind.
      expect(after.slice(0, before.length).map(({ id, cursor, from }) => [id, cursor, from])).toEqual(
        before.map(({ id, cursor, from }) => [id, cursor, from]),
      );
      const hers = after.filter(({ from }) => from === "mallory");
      expect(hers).toHaveLength(6);
      for (const message of hers) {
        expect(message).toMatchObject({ annotations: { erased: "sender" } });
        // Of what she said in tasks, only how they ended is left.
        const isEvent = Object(message).kind !== "MESSAGE";
        expect(message).toMatchObject(isEvent ? { task_id: expect.any(String) } : { payload_base64: "" });
        expect(message).not.toHaveProperty("payload");
      }
      expect(JSON.stringify(after)).not.toContain(MARKER);
      expect(after.at(-1)?.payload === "after" || after.some(({ payload }) => payload === "after")).toBe(
        true,
      );
      expect((await bob.get("/history/mallory")).text).not.toContain(MARKER);
      expect((await hub.admin("GET", "/network")).text).not.toContain("mallory");
      expect((await mallory.get("/messages")).status).toBe(401);
      const nonce = await hub.invite();
      expect((await hub.call("POST", `/join/${nonce}`, { body: { agent_id: "mallory" } })).status).toBe(409);

      await hub.stop();
      await hub.start({ MESHKORE_LOG_LEVEL: "info" });
      expect(hub.log()).toContain("data.compacted");
      expect(await filesWithMarker(hub.dataDir)).toEqual([]);
      expect(await unread(bob)).toEqual(after);
    }),
  LONG_MS,
);

test(
  "an erasure that a crash cut off goes on with the next start; what was deleted before can be erased",
  () =>
    withHub({}, async (hub) => {
      const bob = await hub.join("bob");
      const mallory = await writeEverywhere(hub, bob);
      await mallory.call("DELETE", "/agents/mallory");
      expect(JSON.stringify(await unread(bob)), "deleting leaves others what they got").toContain(MARKER);
      await hub.kill();
      const db = new DatabaseSync(join(hub.dataDir, "store.sqlite"));
      db.exec("insert into erasures (agent_id, begun_ms) values ('mallory', 1)");
      db.close();
      await hub.start();
      await until("it is done", async () => !JSON.stringify(await unread(bob)).includes(MARKER));
      const after = await unread(bob);
      const again = await operatorJson(hub, "agent", "erase", "mallory", "--yes");
      expect(again["messages_erased"], "nor is there anything left, not even receipts").toBe(0);
      expect(await unread(bob), "a second time changes nothing").toEqual(after);
      expect((await operatorCli(hub, "agent", "erase", "nobody", "--yes")).code).toBe(3);
    }),
  LONG_MS,
);
