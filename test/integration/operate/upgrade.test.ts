import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { startHub } from "../../support/hub.ts";
import { testFolder } from "./operator-cli.ts";

const VECTORS = join(import.meta.dirname, "../../vectors/data-dir");
const FILES = {
  "VERSION.gz": "VERSION",
  "store.sqlite.gz": "store.sqlite",
  "log-data.mdb.gz": "log/data.mdb",
};
/** Retention would take away what was sent when the directory was made. */
const LONG_LIFE = { MESHKORE_UNREAD_DAYS: "3650", MESHKORE_HISTORY_DAYS: "3650" };

/** A data directory as a hub of that format left it. */
async function unpack(format: string): Promise<string> {
  const dataDir = join(await testFolder(), "data");
  for (const [kept, file] of Object.entries(FILES)) {
    await mkdir(dirname(join(dataDir, file)), { recursive: true });
    await writeFile(join(dataDir, file), gunzipSync(await readFile(join(VECTORS, format, kept))));
  }
  return dataDir;
}

const formats = (await readdir(VECTORS)).filter((name) => name.startsWith("format-"));

test.each(formats)("a data directory of %s is taken over with all that is in it", async (format) => {
  const expected = JSON.parse(await readFile(join(VECTORS, format, "expected.json"), "utf8"));
  await using hub = await startHub({ dataDir: await unpack(format), env: LONG_LIFE });
  const bob = { token: expected.agents.bob };
  const inbox = await hub.call("GET", "/messages?ack=manual", bob);
  expect(inbox.messages()).toEqual(expected.unread);
  expect((await hub.call("GET", `/messages/${expected.processed}/status`, bob)).field("status")).toBe(
    "processed",
  );
  const repeat = { to: "bob", payload: "again", dedupe_key: "twice" };
  const sent = await hub.call("POST", "/send", { token: expected.agents.alice, body: repeat });
  expect(sent.status, sent.text).toBe(202);
  const blocks = await hub.call("GET", "/blocks", bob);
  expect(blocks.text).toContain(expected.deleted);
  const nonce = await hub.invite();
  const taken = await hub.call("POST", `/join/${nonce}`, { body: { agent_id: expected.deleted } });
  expect(taken.status, "an id is never given again").toBe(409);
  const invited = await hub.call("POST", "/channels/room/send", { ...bob, body: { payload: "still here" } });
  expect(invited.status).toBe(202);
  expect(JSON.parse(await readFile(join(hub.dataDir, "VERSION"), "utf8"))).toEqual({ format: 2 });
  if (format === "format-1") expect(hub.log()).toContain("data.upgraded");
});
