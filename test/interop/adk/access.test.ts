import {
  ClientFactory,
  ClientFactoryOptions,
  createAuthenticatingFetchWithRetry,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
} from "@a2a-js/sdk/client";
import { RemoteA2AAgent } from "@google/adk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fetchWith } from "../../integration/a2a/stage.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { factoryFor, outline, placeOf, Talk, talkTo } from "./talk.ts";
import { openWorker, type Worker } from "./worker.ts";

let hub: TestHub;
let alice: TestAgent;
let member: Worker;
let open: Worker;

beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice");
  member = await openWorker(hub, "rest");
  open = await openWorker(hub, "rest", { access: "public" });
});
afterAll(async () => {
  await member?.[Symbol.asyncDispose]();
  await open?.[Symbol.asyncDispose]();
  await hub?.[Symbol.asyncDispose]();
});

const baseOf = ({ agent }: Worker) => `${hub.http}/a2a/${agent.agentId}/`;

it("calls by HTTP+JSON as well, with an API key", async () => {
  const client = await factoryFor(alice.apiKey, ["HTTP+JSON"]).createFromUrl(baseOf(member));
  const talk = await talkTo(client);
  expect(outline(await talk.say("echo hello"))).toEqual(["hello"]);
  expect(outline(await talk.say("fail"))).toEqual(["! it broke"]);
});

it("takes a card that it is given, and a factory that knows the token", async () => {
  const agentCard = await new DefaultAgentCardResolver({ fetchImpl: fetchWith(alice.token) }).resolve(
    baseOf(member),
  );
  const agent = new RemoteA2AAgent({ name: "far", agentCard, clientFactory: factoryFor(alice.token) });
  expect(outline(await (await Talk.open(agent)).say("echo hello"))).toEqual(["hello"]);
});

it("gets another token when the hub takes the one before no more", async () => {
  let refused = 0;
  const fetchImpl = createAuthenticatingFetchWithRetry(fetch, {
    headers: async () => ({ authorization: "Bearer of-yesterday" }),
    async shouldRetryWithHeaders(_request, response) {
      if (response.status !== 401) return undefined;
      refused += 1;
      return { authorization: `Bearer ${alice.token}` };
    },
  });
  const factory = new ClientFactory(
    ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
      transports: [new JsonRpcTransportFactory({ fetchImpl })],
      cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
    }),
  );
  const talk = await talkTo(await factory.createFromUrl(baseOf(member)));
  expect(outline(await talk.say("echo hello"))).toEqual(["hello"]);
  // The card, and the message.
  expect(refused).toBe(2);
});

it("is told why it is refused", async () => {
  const agentCard = await new DefaultAgentCardResolver({ fetchImpl: fetchWith(alice.token) }).resolve(
    baseOf(member),
  );
  for (const token of [undefined, "nonsense"]) {
    const agent = new RemoteA2AAgent({ name: "far", agentCard, clientFactory: factoryFor(token) });
    const events = await (await Talk.open(agent)).say("echo hello");
    expect(outline(events)).toEqual([expect.stringMatching(/^! .*401/)]);
  }
  const cardUrl = `${baseOf(open)}.well-known/agent-card.json`;
  const misled = await Talk.open(new RemoteA2AAgent({ name: "far", agentCard: cardUrl }));
  await expect(misled.say("echo hello")).rejects.toThrow(/Agent Card .* 404/);
  const stranger = await Talk.open(new RemoteA2AAgent({ name: "far", agentCard: baseOf(member) }));
  await expect(stranger.say("echo hello")).rejects.toThrow(/Agent Card .* 404/);
});

it("needs nothing but the address of an agent that strangers may call", async () => {
  const talk = await Talk.open(new RemoteA2AAgent({ name: "far", agentCard: baseOf(open) }));
  expect(outline(await talk.say("echo hello"))).toEqual(["hello"]);
  expect(outline(await talk.say("form"))).toEqual(["<ask_color>"]);
  const functionResponse = { id: "q1", name: "ask_color", response: { color: "red" } };
  expect(outline(await talk.say([{ functionResponse }]))).toEqual(["got red"]);
  const [first, ...rest] = open.turns;
  expect(rest.map(({ isFirst }) => isFirst)).toEqual([true, false]);
  expect(rest.map(({ taskId }) => taskId === first?.taskId)).toEqual([false, false]);
  expect(rest[1]?.taskId).toBe(rest[0]?.taskId);
});

it("asks the hub itself", async () => {
  const talk = await talkTo(await factoryFor(undefined).createFromUrl(`${hub.http}/`));
  const [answer] = outline(await talk.say("What is this?"));
  expect(answer).toContain("hub");
  expect(talk.chunks).toHaveLength(1);
  expect(placeOf(talk.chunks[0]).taskId).toBeUndefined();
});
