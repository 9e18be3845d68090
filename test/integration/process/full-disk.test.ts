import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { mountSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { until } from "../../support/until.ts";

const DISK_MIB = 24;
const PIECE_BYTES = 100_000;

async function sendUntilFull(alice: TestAgent, accepted: string[]) {
  const payload = "x".repeat(PIECE_BYTES);
  for (let n = 0; n < (DISK_MIB * 1_048_576) / PIECE_BYTES; n++) {
    const answer = await alice.post("/send", { to: "bob", payload, receipts: false });
    if (answer.status !== 202) return answer;
    accepted.push(String(answer.field("message_id")));
  }
  return undefined;
}

async function inboxIds(bob: TestAgent): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  for (;;) {
    const page = await bob.get(`/messages?ack=manual&limit=50${cursor === "" ? "" : `&cursor=${cursor}`}`);
    expect(page.status).toBe(200);
    if (page.messages().length === 0) return ids;
    ids.push(...page.messages().map(({ id }) => id));
    cursor = String(page.field("cursor"));
  }
}

async function livesThroughFullDisk(hub: TestHub, disk: SmallDisk): Promise<void> {
  const alice = await hub.join("alice");
  const bob = await hub.join("bob");
  const accepted: string[] = [];
  writeFileSync(join(disk.path, "ballast"), Buffer.alloc(4_000_000));

  const refused = await sendUntilFull(alice, accepted);
  expect(refused?.status).toBe(503);
  expect(refused?.refusal().code).toBe("storage_full");
  expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(accepted.length).toBeGreaterThan(5);

  disk.fill("brim");
  // An answer of the disk counts for a moment, so that small ones may still get in; then they are kept too.
  const small = await until("a refusal of small ones", async () => {
    const answer = await alice.post("/send", { to: "bob", payload: 1, receipts: false });
    if (answer.status !== 202) return answer;
    accepted.push(String(answer.field("message_id")));
    return undefined;
  });
  expect(small.refusal().code).toBe("storage_full");
  const joins = await hub.admin("POST", "/invites", { body: {} });
  if (joins.status !== 201) expect(joins.refusal().code).toBe("storage_full");
  expect((await hub.call("GET", "/healthz")).status).toBe(200);
  expect((await hub.call("GET", "/readyz")).status).toBe(200);
  expect((await bob.get("/agents")).status).toBe(200);
  expect((await alice.get("/history/bob?limit=5")).status).toBe(200);
  expect(await inboxIds(bob)).toEqual(accepted);

  rmSync(join(disk.path, "brim"));
  rmSync(join(disk.path, "ballast"));
  const after = await until("room again", async () => {
    const answer = await alice.post("/send", { to: "bob", payload: "after", receipts: false });
    return answer.status === 202 ? String(answer.field("message_id")) : undefined;
  });
  accepted.push(after);
  expect((await hub.admin("POST", "/invites", { body: {} })).status).toBe(201);
  expect(await inboxIds(bob)).toEqual(accepted);

  expect(await hub.stop()).toBe(0);
  await hub.start();
  expect(await inboxIds(bob)).toEqual(accepted);
}

test("a hub lives through a full disk, and loses nothing that it accepted", async (context) => {
  using disk = mountSmallDisk(DISK_MIB);
  if (disk === undefined) {
    console.warn("SKIPPED: the full disk needs root on Linux, to mount a small one");
    return context.skip();
  }
  await using hub = await startHub({ dataDir: join(disk.path, "data") });
  await livesThroughFullDisk(hub, disk);
});
