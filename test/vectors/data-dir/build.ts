/**
 * node test/vectors/data-dir/build.ts <format>   makes the folder format-<format> with the hub of this checkout
 *
 * A data directory as a hub of that format leaves it, so that later hubs are tested on it. To be run once for each
 * format, before the next one begins; what it made is committed and never changes.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

/** Files of a data directory, and under which names they are kept. */
const FILES = { VERSION: "VERSION.gz", "store.sqlite": "store.sqlite.gz", "log/data.mdb": "log-data.mdb.gz" };

const format = process.argv[2];
if (format === undefined) throw new Error("say which format this checkout has");
const target = join(import.meta.dirname, `format-${format}`);

/** Retention would take the messages away from a hub that opens them years later. */
const LONG_LIFE = { MESHKORE_UNREAD_DAYS: "3650", MESHKORE_HISTORY_DAYS: "3650" };

await withHub({ env: LONG_LIFE }, async (hub) => {
  const expected = await fill(hub);
  await hub.stop();
  await mkdir(target, { recursive: true });
  for (const [file, kept] of Object.entries(FILES)) {
    await writeFile(join(target, kept), gzipSync(await readFile(join(hub.dataDir, file)), { level: 9 }));
  }
  await writeFile(join(target, "expected.json"), `${JSON.stringify(expected, null, 2)}\n`);
});

/** A little of everything that a hub keeps. */
async function fill(hub: TestHub): Promise<object> {
  const alice = await hub.join("alice", { capabilities: ["translate"], description: "the first of all" });
  const bob = await hub.join("bob");
  const gone = await hub.join("gone");
  await post(alice, "/send", { to: "bob", payload: { n: 1 }, receipts: false });
  await post(alice, "/send", { to: "bob", payload: { n: 2 }, dedupe_key: "twice", receipts: false });
  const processed = await post(alice, "/send", { to: "bob", payload: { n: 3 }, receipts: false });
  const acked = (await bob.get("/messages?limit=1")).messages()[0]?.cursor;
  await post(bob, "/messages/ack", { cursor: acked });
  await post(bob, `/messages/${String(processed.field("message_id"))}/processed`, { ok: true, note: "well" });
  await post(alice, "/channels", { name: "room", members: ["bob"] });
  await post(alice, "/channels/room/send", { payload: "to all" });
  await post(bob, "/blocks", { agent: "gone" });
  await gone.call("DELETE", "/agents/gone");
  await until("bob has what was sent to the room", async () => {
    const page = await bob.get("/messages?ack=manual");
    return page.messages().some(({ channel }) => channel === "room");
  });
  return {
    agents: { alice: alice.apiKey, bob: bob.apiKey },
    deleted: "gone",
    acked,
    unread: (await bob.get("/messages?ack=manual")).messages(),
    processed: processed.field("message_id"),
  };
}

async function post(agent: TestAgent, path: string, body: object) {
  const answer = await agent.post(path, body);
  if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
  return answer;
}
