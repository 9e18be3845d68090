import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { withDataDir } from "./hub-run.ts";

/** Of Debian's package `libfaketime`. */
const LIBRARY = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
  .map((folder) => join(folder, "faketime", "libfaketimeMT.so.1"))
  .find(existsSync);
const HOUR_S = 3600;

/** A hub whose wall clock the test turns, by seconds from the true time. Its steady clock goes on. */
async function withTurnedClock(
  use: (hub: TestHub, turn: (byS: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  await withDataDir(async (dataDir) => {
    const offset = `${dataDir}.clock`;
    writeFileSync(offset, "+0");
    await using hub = await startHub({
      dataDir,
      env: {
        LD_PRELOAD: LIBRARY,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    const turn = async (byS: number) => {
      writeFileSync(offset, `${byS < 0 ? "" : "+"}${byS}`);
      await until("the turned clock", async () => {
        const { headers } = await hub.call("GET", "/healthz");
        const aheadMs = Date.parse(headers.get("date") ?? "") - Date.now();
        return Math.abs(aheadMs - byS * 1000) < 30_000;
      });
    };
    await use(hub, turn);
  });
}

/** Sends as many as asked for; gives their ids. */
async function sendSome(alice: TestAgent, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const answer = await alice.post("/send", { to: "bob", payload: n, receipts: false });
    expect(answer.status).toBe(202);
    ids.push(String(answer.field("message_id")));
  }
  return ids;
}

async function inboxIds(bob: TestAgent): Promise<string[]> {
  return (await bob.get("/messages?ack=manual&limit=500")).messages().map(({ id }) => id);
}

async function expectAllFound(alice: TestAgent, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const status = await alice.get(`/messages/${id}/status`);
    expect([id, status.status]).toEqual([id, 200]);
  }
}

if (LIBRARY === undefined)
  console.warn("SKIPPED: turning the clock needs libfaketime (Debian: apt install faketime)");

describe.skipIf(LIBRARY === undefined)("a clock that jumps", () => {
  test("back by an hour: order, ids, tokens, dedupe keys and long polls hold", () =>
    withTurnedClock(async (hub, turn) => {
      const alice = await hub.join("alice");
      const bob = await hub.join("bob");
      const before = await sendSome(alice, 5);
      const keyed = { to: "bob", payload: "keyed", receipts: false, dedupe_key: "once" };
      before.push(String((await alice.post("/send", keyed)).field("message_id")));

      await turn(-HOUR_S);

      expect((await alice.post("/send", keyed)).json).toMatchObject({
        message_id: before[5],
        duplicate: true,
      });
      const after = await sendSome(alice, 5);
      expect(await inboxIds(bob)).toEqual([...before, ...after]);
      expect(new Set([...before, ...after]).size).toBe(11);
      await expectAllFound(alice, [...before, ...after]);

      const page = await bob.get("/messages?limit=500");
      const cursor = String(page.field("cursor"));
      const waiting = bob.get(`/messages?wait=20&cursor=${cursor}`);
      const late = await sendSome(alice, 1);
      expect((await waiting).messages().map(({ id }) => id)).toEqual(late);
      const carol = await hub.join("carol");
      expect((await carol.get("/context")).status).toBe(200);
    }));

  test("back by an hour, with a restart in between: old and new messages are found and in order", () =>
    withTurnedClock(async (hub, turn) => {
      const alice = await hub.join("alice");
      const bob = await hub.join("bob");
      const before = await sendSome(alice, 5);
      await turn(-HOUR_S);
      expect(await hub.stop()).toBe(0);
      await hub.start();
      expect((await alice.get("/context")).status).toBe(200);
      const after = await sendSome(alice, 5);
      expect(await inboxIds(bob)).toEqual([...before, ...after]);
      await expectAllFound(alice, [...before, ...after]);
    }));

  test("ahead by an hour and back: nothing expires early, tokens hold", () =>
    withTurnedClock(async (hub, turn) => {
      const alice = await hub.join("alice");
      const bob = await hub.join("bob");
      const ids = await sendSome(alice, 3);
      await turn(HOUR_S);
      ids.push(...(await sendSome(alice, 3)));
      await turn(0);
      ids.push(...(await sendSome(alice, 3)));
      expect(await inboxIds(bob)).toEqual(ids);
      await expectAllFound(alice, ids);
      const dave = await hub.join("dave");
      expect((await dave.get("/context")).status).toBe(200);
    }));
});
