import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type A2aRemote, openA2aRemote } from "../../support/a2a-remote.ts";
import { openSigner, type TestSigner } from "../../support/card-signer.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function openRemote(signer?: TestSigner): Promise<A2aRemote> {
  const dress = signer === undefined ? {} : { dress: signer.sign };
  const remote = await openA2aRemote({ version: "1.0", streaming: true, ...dress });
  onTestFinished(() => remote.stop());
  return remote;
}

let count = 0;

async function reach(remote: A2aRemote, address: Json = {}): Promise<TestAgent> {
  count += 1;
  const profile = { reach: { a2a: { card_url: remote.cardUrl, ...address } } };
  return hub.join(`signed-${count}`, { profile });
}

function statusIs(agent: TestAgent, state: string): Promise<Json> {
  return until(
    `${agent.agentId} is ${state}`,
    async () => {
      const profile: Json = Object((await alice.get(`/agents/${agent.agentId}`)).json);
      const status: Json = Object(Object(profile["reach_status"])["a2a"]);
      return status["state"] === state && status;
    },
    15_000,
  );
}

async function echoes(agent: TestAgent): Promise<void> {
  const answer = await alice.post("/send?wait=20", { to: agent.agentId, payload: "echo here" });
  expect(Object(answer.field("reply"))["payload"], answer.text).toBe("here");
}

describe("a signed card", () => {
  it("is checked, and its key shown", async () => {
    const signer = await openSigner();
    const agent = await reach(await openRemote(signer));
    expect(await statusIs(agent, "reachable")).toMatchObject({ key: signer.thumbprint });
  });

  it("that was changed after it was signed is not taken", async () => {
    const signer = await openSigner();
    const remote = await openRemote(signer);
    remote.dress = async (card) => ({ ...(await signer.sign(card)), name: "Somebody Else" });
    const agent = await reach(remote);
    expect(await statusIs(agent, "unreachable")).toMatchObject({
      reason: expect.stringContaining("signature of its card is not good"),
    });
  });

  it("by another key than before counts only when its owner names that key; until then the old card does", async () => {
    const [first, second] = [await openSigner(), await openSigner()];
    const remote = await openRemote(first);
    const agent = await reach(remote);
    await statusIs(agent, "reachable");
    remote.dress = second.sign;
    const { name, skills } = remote.card;
    remote.card = { ...remote.card, name: "New Owner", skills: [] };
    const status = await statusIs(agent, "key_changed");
    expect(status).toMatchObject({ name, key: first.thumbprint, offered_key: second.thumbprint });
    expect(skills).toHaveLength(1);
    expect((await alice.get("/agents?capability=translate-legal")).text).toContain(agent.agentId);
    await echoes(agent);
    const told = await until("whoever runs it is told", async () => {
      const events = (await inboxOf(agent)).filter(({ kind }) => kind === "EVENT");
      return events.length > 0 && events;
    });
    expect(told.map(({ payload }) => payload)).toEqual([
      {
        event: "reach.key_changed",
        known: first.thumbprint,
        offered: second.thumbprint,
      },
    ]);
    expect(hub.log()).toContain("reach.key_changed");
    const address = { card_url: remote.cardUrl, key: second.thumbprint };
    const taken = await agent.call("PATCH", "/profile", { body: { reach: { a2a: address } } });
    expect(taken.status, taken.text).toBe(200);
    expect(await statusIs(agent, "reachable")).toMatchObject({ name: "New Owner", key: second.thumbprint });
    await echoes(agent);
  });

  it("that comes without its signature one day is as if the key had changed", async () => {
    const signer = await openSigner();
    const remote = await openRemote(signer);
    const agent = await reach(remote);
    await statusIs(agent, "reachable");
    remote.dress = undefined;
    await statusIs(agent, "key_changed");
  });

  it("has to be signed by the key that is named", async () => {
    const [first, second] = [await openSigner(), await openSigner()];
    const agent = await reach(await openRemote(first), { key: second.thumbprint });
    const { reason } = await statusIs(agent, "unreachable");
    expect(reason).toContain(first.thumbprint);
    const good = await reach(await openRemote(first), { key: first.thumbprint });
    await statusIs(good, "reachable");
  });
});

/** Everything in its inbox, from the first record on. */
async function inboxOf(agent: TestAgent): Promise<Json[]> {
  const answer = await agent.get("/messages?cursor=1-0&ack=manual&limit=500");
  return answer.messages().map(Object);
}
