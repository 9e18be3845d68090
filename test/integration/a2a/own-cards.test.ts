import { verifyAgentCardSignature } from "@a2a-js/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSigner, type TestSigner } from "../../support/card-signer.ts";
import { FORGED, WITHOUT_PLACE } from "../../support/forged-cards.ts";
import { openHttpServer } from "../../support/http-server.ts";
import type { TestAgent } from "../../support/hub.ts";
import type { RestAnswer } from "../../support/rest-client.ts";
import { openStage, type Stage } from "./stage.ts";

type Json = Record<string, unknown>;

let stage: Stage;
const PATH = "/.well-known/agent-card.json";
const V1 = { "a2a-version": "1.0" };
const NOW_S = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1" } });
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

/** A card as whoever runs the agent would write it. */
const cardOf = (agentId: string, changes: Json = {}): Json => ({
  // Nothing in it is empty: some verifiers leave that out before they check.
  ...{ name: "Own", description: "brought by itself", version: "7", capabilities: { streaming: true } },
  skills: [{ id: "s", name: "S", description: "does it", tags: ["t"] }],
  ...{ defaultInputModes: ["text/plain"], defaultOutputModes: ["text/plain"] },
  supportedInterfaces: [
    { url: `${stage.hub.http}/a2a/${agentId}`, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
    { url: "https://elsewhere.test/a2a", protocolBinding: "JSONRPC", protocolVersion: "1.0" },
  ],
  ...changes,
});

let count = 0;

async function newcomer(body: object = {}): Promise<TestAgent> {
  count += 1;
  return stage.hub.join(`own-${count}`, body);
}

const bring = (agent: TestAgent, agent_card: unknown): Promise<RestAnswer> =>
  agent.call("PATCH", "/profile", { body: { agent_card } });

const served = ({ agentId }: TestAgent, headers: Record<string, string> = V1): Promise<RestAnswer> =>
  stage.hub.call("GET", `/a2a/${agentId}${PATH}`, { token: stage.alice.token, headers });

/** Refused for this reason, in the hub's words; and the card that was there, or the hub's own, still is. */
async function expectRefusal(agent: TestAgent, card: unknown, code: string, told: RegExp): Promise<void> {
  const before = (await served(agent)).text;
  const answer = await bring(agent, card);
  expect(answer.status, answer.text).toBe(
    { invalid_argument: 400, failed_precondition: 409, unavailable: 503 }[code],
  );
  const refusal = answer.refusal();
  expect(refusal).toMatchObject({ code, hint: expect.any(String) });
  expect(refusal.message).toMatch(told);
  expect((await served(agent)).text).toBe(before);
}

describe("a card that the agent signed itself", () => {
  it("is served byte for byte, in every form, and is good for who checks it", async () => {
    const [agent, signer] = [await newcomer(), await openSigner()];
    const card = await signer.sign(cardOf(agent.agentId));
    const text = JSON.stringify(card, undefined, 3);
    expect((await bring(agent, text)).status).toBe(200);
    for (const headers of [V1, {}, { "a2a-version": "0.3" }]) {
      expect((await served(agent, headers)).text).toBe(text);
    }
    const verifier = verifyAgentCardSignature(async (kid) => {
      expect(kid).toBe(signer.kid);
      return signer.publicCryptoKey;
    });
    await verifier(JSON.parse((await served(agent)).text));
    // Given as JSON rather than as text it is the same card.
    expect((await bring(agent, card)).status).toBe(200);
    expect((await served(agent)).json).toEqual(card);
    // Taken away, the hub's is there again.
    expect((await bring(agent, null)).status).toBe(200);
    expect(Object((await served(agent)).json).name).toBe(agent.agentId);
  });

  it("may come when the agent joins, and is checked there too, for who has an invite", async () => {
    const signer = await openSigner();
    const nonce = await stage.hub.invite();
    const join = (agent_id: string, agent_card: unknown, by = nonce) =>
      stage.hub.call("POST", `/join/${by}`, { body: { agent_id, profile: { agent_card } } });
    const good = await signer.sign(cardOf("joined"));
    expect((await join("joined", good)).status).toBe(201);
    const forged = await signer.sign(cardOf("forger"), { kid: "nobody" });
    expect((await join("forger", forged)).refusal().code).toBe("invalid_argument");
    let asked = 0;
    const keys = await openHttpServer((_request, response) => {
      asked += 1;
      response.end("{}");
    });
    const baited = await signer.sign(cardOf("stranger"), { jku: keys.url });
    expect((await join("stranger", baited, "no-such-invite")).status).toBe(404);
    expect(asked).toBe(0);
    await keys.stop();
  });

  it.each(FORGED.filter(([name]) => name !== WITHOUT_PLACE))("%s is refused", async (_name, forge, told) => {
    const [agent, signer] = [await newcomer(), await openSigner()];
    const forged = await forge(signer, cardOf(agent.agentId));
    await expectRefusal(agent, forged, "invalid_argument", told);
    await expectRefusal(agent, JSON.stringify(forged), "invalid_argument", told);
  });

  it.each([
    ["no JSON", "{", /no JSON object/],
    ["a list", "[]", /no JSON object/],
    ["a number", 7, /no JSON object/],
    ["not signed", { name: "x" }, /not signed/],
    ["signed by nobody", { name: "x", signatures: [] }, /not signed/],
    ["of other types", { name: 7, signatures: [{}] }, /no A2A card: name/],
    ["signed with nothing", { name: "x", signatures: [{}] }, /signature of its card is not good/],
    ["nested without end", `${'{"a":'.repeat(500)}1${"}".repeat(500)}`, /no JSON object/],
  ])("that is %s is refused", async (_name, card, told) => {
    await expectRefusal(await newcomer(), card, "invalid_argument", told);
  });

  it("that names another agent of the hub, or is another's, is refused", async () => {
    const [agent, signer] = [await newcomer(), await openSigner()];
    const { http, grpc } = stage.hub;
    const at = (url: string, more: Json = {}) => [
      { url, protocolBinding: "JSONRPC", protocolVersion: "1.0", ...more },
    ];
    for (const changes of [
      { supportedInterfaces: at(`${http}/a2a/bob`) },
      { supportedInterfaces: at(`${http}/a2a/${agent.agentId}x`) },
      { supportedInterfaces: at(`${http}/a2a`) },
      { url: `${http}/a2a/bob` },
      { additionalInterfaces: [{ url: `${http}/a2a/bob/v1`, transport: "HTTP+JSON" }] },
      { supportedInterfaces: at(String(grpc), { tenant: "bob" }) },
    ]) {
      const card = await signer.sign(cardOf(agent.agentId, changes));
      await expectRefusal(agent, card, "invalid_argument", /bob|and the agent is at|its tenant is not/);
    }
    // The hub's own word for bob, taken along.
    const bobs = (await served(stage.bob)).text;
    await expectRefusal(agent, bobs, "invalid_argument", /names .*bob, and the agent is at/);
  });

  it("that was signed before the one that is there is refused, until that is taken away", async () => {
    const [agent, signer] = [await newcomer(), await openSigner()];
    const issued = (iat: number | undefined, name: string) =>
      signer.sign(cardOf(agent.agentId, { name }), { iat });
    expect((await bring(agent, await issued(NOW_S - 100, "Current"))).status).toBe(200);
    for (const iat of [NOW_S - 200, undefined]) {
      const stale = await issued(iat, "Stale");
      await expectRefusal(agent, stale, "failed_precondition", /signed before the one that is there/);
    }
    expect((await bring(agent, await issued(NOW_S - 100, "Corrected"))).status).toBe(200);
    expect((await bring(agent, await issued(NOW_S - 50, "Next"))).status).toBe(200);
    expect((await bring(agent, null)).status).toBe(200);
    expect((await bring(agent, await issued(NOW_S - 200, "Stale"))).status).toBe(200);
  });

  it("whose key cannot be had now may be tried again", async () => {
    const [agent, signer] = [await newcomer(), await openSigner()];
    const away = await signer.sign(cardOf(agent.agentId), { jku: "http://127.0.0.1:9/keys" });
    await expectRefusal(agent, away, "unavailable", /cannot be checked now/);
  });

  it("without a place for its key is checked by the agent's own, when that is known, and else passed on", async () => {
    const [signer, other] = [await openSigner(), await openSigner()];
    const unplaced = (by: TestSigner, agent: TestAgent) => by.sign(cardOf(agent.agentId), { jku: undefined });
    const keyed = await newcomer({ public_key: JSON.stringify(signer.publicKey) });
    expect((await bring(keyed, await unplaced(signer, keyed))).status).toBe(200);
    await expectRefusal(keyed, await unplaced(other, keyed), "invalid_argument", /verification failed/);
    const keyless = await newcomer();
    expect((await bring(keyless, await unplaced(other, keyless))).status).toBe(200);
    const none = { ...cardOf(keyless.agentId), signatures: [{ protected: "e30", signature: "AAAA" }] };
    await expectRefusal(keyless, none, "invalid_argument", /alg is not what it should be/);
  });
});
