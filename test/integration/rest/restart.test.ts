import { describe, expect, test } from "vitest";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";

async function payloadsOf(agent: TestAgent, query = ""): Promise<unknown[]> {
  return (await agent.get(`/messages?ack=manual&limit=500${query}`))
    .messages()
    .map((message) => message.payload);
}

async function survives(hub: TestHub, end: () => Promise<unknown>): Promise<void> {
  const alice = await hub.join("alice", { description: "asks" });
  const bob = await hub.join("bob");
  const send = (payload: unknown, more: object = {}) =>
    alice.post("/send", { to: "bob", payload, receipts: false, ...more });
  for (let n = 1; n <= 5; n++) expect((await send(n)).status).toBe(202);
  const keyed = await send("keyed", { dedupe_key: "once" });
  const page = (await bob.get("/messages?limit=2")).messages();
  expect((await bob.post("/messages/ack", { cursor: page[1]?.cursor })).status).toBe(204);
  await bob.post("/blocks", { agent: "mallory", mode: "block" });
  await alice.post("/channels", { name: "team", members: ["bob"] });
  const nonce = await hub.invite({ max_uses: 2 });

  await end();
  await hub.start();

  expect((await alice.get("/agents/alice")).json).toMatchObject({ description: "asks" });
  expect(await payloadsOf(bob)).toEqual([3, 4, 5, "keyed"]);
  expect(await payloadsOf(bob, `&cursor=${page[0]?.cursor}`)).toEqual([2, 3, 4, 5, "keyed"]);
  const repeat = await send("keyed again", { dedupe_key: "once" });
  expect(repeat.json).toEqual({ ...Object(keyed.json), duplicate: true });
  expect((await send("after")).status).toBe(202);
  expect(await payloadsOf(bob)).toEqual([3, 4, 5, "keyed", "after"]);
  expect((await bob.get("/blocks")).json).toEqual({ rules: [{ agent: "mallory", mode: "block" }] });
  expect((await bob.get("/channels/team/members")).field("members")).toEqual(
    expect.arrayContaining(["alice", "bob"]),
  );
  expect((await hub.call("POST", `/join/${nonce}`, { body: { agent_id: "carol" } })).status).toBe(201);
  expect((await hub.call("GET", "/messages", { token: bob.apiKey })).status).toBe(200);
  const history = (await alice.get("/history/bob")).messages().map((message) => message.payload);
  expect(history).toEqual(["after", "keyed", 5, 4, 3, 2, 1]);
}

describe("a restart keeps everything, tokens too", () => {
  test("after SIGTERM, which ends the hub well", () =>
    withHub({}, (hub) => survives(hub, async () => expect(await hub.stop()).toBe(0))));

  test("after SIGKILL", () => withHub({}, (hub) => survives(hub, () => hub.kill())));

  test("in the middle of many sends: what was accepted is there, once and in order", () =>
    withHub({}, async (hub) => {
      const alice = await hub.join("alice");
      const bob = await hub.join("bob");
      const accepted = await sendUntilKilled(hub, alice);
      await hub.start();
      const got = await allOf(bob);
      expect(new Set(got).size).toBe(got.length);
      expect(got).toEqual(expect.arrayContaining([...accepted]));
      for (let lane = 0; lane < LANES; lane++) {
        const ofLane = got.filter((payload) => Math.floor(payload / LANE_SIZE) === lane);
        expect(ofLane).toEqual([...ofLane].sort((one, other) => one - other));
      }
    }));
});

const LANES = 8;
const LANE_SIZE = 1_000_000;

/** Sends on several lanes at once; each lane's numbers rise. Gives what was accepted. */
async function sendUntilKilled(hub: TestHub, alice: TestAgent): Promise<readonly number[]> {
  const accepted: number[] = [];
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let n = 0; ; n++) {
      const body = { to: "bob", payload: lane * LANE_SIZE + n, receipts: false };
      // A send that the kill cut off, or that finds no hub any more, was not accepted.
      const answer = await Promise.resolve()
        .then(() => alice.post("/send", body))
        .catch(() => undefined);
      if (answer?.status !== 202) return;
      accepted.push(body.payload);
      if (accepted.length === 200) await hub.kill();
    }
  });
  await Promise.all(lanes);
  return accepted;
}

async function allOf(agent: TestAgent): Promise<number[]> {
  const got: number[] = [];
  let query = "limit=500";
  for (;;) {
    const answer = await agent.get(`/messages?${query}`);
    const messages = answer.messages();
    if (messages.length === 0) return got;
    got.push(...messages.map((message) => Number(message.payload)));
    query = `limit=500&cursor=${String(answer.field("cursor"))}`;
  }
}
