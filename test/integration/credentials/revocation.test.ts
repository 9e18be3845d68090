import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { EventStreamClient } from "../../support/event-stream.ts";
import { ADMIN_TOKEN, startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { SessionWire } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** Something that was opened with a credential. */
interface Opened {
  readonly what: string;
  readonly isOpen: () => boolean;
  /** What it said when it ended. */
  readonly said: () => string;
  /** What it was given. */
  readonly got: () => string;
  readonly close: () => void;
}

type Open = (bearer: string) => Promise<Opened>;

const bearing =
  (bearer: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set("authorization", `Bearer ${bearer}`);
    return next(request);
  };

function session(what: string, wire: SessionWire): Open {
  return async (token) => {
    let [said, got] = ["", ""];
    const client = await SessionClient.open(
      hub.http,
      wire,
      { token },
      {
        error: (text) => (said += text),
        delivered: (messages) => (got += messages.map(({ payload }) => payload).join()),
        closed: (code) => (said += ` ${code}`),
      },
    );
    return { what, isOpen: () => client.isOpen, said: () => said, got: () => got, close: () => client.cut() };
  };
}

const eventStream: Open = async (token) => {
  const client = await EventStreamClient.open(`${hub.http}/messages/stream`, { token });
  await until("the welcome", () => client.events.length > 0);
  const all = (): string => client.events.map(({ data }) => data).join();
  return { what: "SSE", isOpen: () => !client.hasEnded, said: all, got: all, close: () => client.close() };
};

const longPoll: Open = async (token) => {
  let said: string | undefined;
  const abort = new AbortController();
  const { cursor } = Object((await hub.call("GET", "/context", { token })).json);
  const path = `/messages?wait=50&ack=manual&cursor=${cursor}`;
  hub.call("GET", path, { token, signal: abort.signal }).then(
    ({ status, text }) => (said = `${status} ${text}`),
    (thrown: unknown) => (said = String(thrown)),
  );
  return {
    what: "long poll",
    isOpen: () => said === undefined,
    said: () => said ?? "",
    got: () => said ?? "",
    close: () => abort.abort(),
  };
};

function attach(what: string, transport: (token: string) => Parameters<typeof createClient>[1]): Open {
  return async (token) => {
    const abort = new AbortController();
    let said: string | undefined;
    let got = "";
    const answers = createClient(RelayService, transport(token)).attach({}, { signal: abort.signal });
    const welcome = Promise.withResolvers<void>();
    const follow = async (): Promise<void> => {
      for await (const { deliver } of answers) {
        welcome.resolve();
        for (const { envelope } of deliver) got += Buffer.from(envelope).toString("latin1");
      }
    };
    follow().then(
      () => (said = "ended"),
      (thrown: unknown) => {
        said = String(thrown);
        welcome.reject(thrown);
      },
    );
    await welcome.promise;
    return {
      what,
      isOpen: () => said === undefined,
      said: () => said ?? "",
      got: () => got,
      close: () => abort.abort(),
    };
  };
}

const OPENERS: readonly Open[] = [
  session("JSON session", jsonWire),
  session("binary session", protoWire),
  eventStream,
  longPoll,
  attach("Attach over Connect", (token) =>
    createConnectTransport({ baseUrl: hub.http, httpVersion: "1.1", interceptors: [bearing(token)] }),
  ),
  attach("Attach over gRPC", (token) =>
    createGrpcTransport({ baseUrl: `http://${hub.grpc}`, interceptors: [bearing(token)] }),
  ),
];

let count = 0;
const newAgent = (): Promise<TestAgent> => hub.join(`agent-${++count}`);
const openAll = (bearer: string): Promise<Opened[]> => Promise.all(OPENERS.map((open) => open(bearer)));

/** Each of them ends, and says that the credential is to blame; what is sent afterwards reaches none of them. */
async function expectCut(opened: readonly Opened[], reader: TestAgent | undefined): Promise<void> {
  await until(`the end of ${opened.map(({ what }) => what)}`, () => opened.every(({ isOpen }) => !isOpen()));
  for (const { what, said } of opened)
    expect([what, said()]).toEqual([what, expect.stringMatching(/unauthenticated/)]);
  if (reader === undefined) return;
  const sender = await newAgent();
  expect((await sender.post("/send", { to: reader.agentId, payload: "too-late" })).status).toBe(202);
  for (const { got } of opened) expect(got()).not.toContain("too-late");
}

/** Each of them goes on: it gets what was sent since (a long poll has its answer with the first of it). */
async function expectOpen(opened: readonly Opened[], reader: TestAgent): Promise<void> {
  const sender = await newAgent();
  await sender.post("/send", { to: reader.agentId, payload: "still-there" });
  for (const { what, got } of opened)
    await until(`a delivery to ${what}`, () => /still-there|too-late/.test(got()));
  for (const { close } of opened) close();
}

const operator = () =>
  createClient(
    OperatorService,
    createGrpcTransport({ baseUrl: `http://${hub.grpc}`, interceptors: [bearing(ADMIN_TOKEN)] }),
  );

describe("what a credential opened ends in the moment in which it is revoked", () => {
  test("by its key, and its tokens with it; what the new key opened goes on", async () => {
    const agent = await newAgent();
    const old = [...(await openAll(agent.apiKey)), ...(await openAll(agent.token))];
    const grace = String((await agent.post("/keys/rotate")).field("api_key"));
    const kept = await openAll(grace);
    const rotated = await hub.call("POST", "/keys/rotate", { token: grace, body: { revoke_now: true } });
    const fresh = String(rotated.field("api_key"));
    const newer = await openAll(fresh);
    await expectCut([...old, ...kept], agent);
    await expectOpen(newer, agent);
    for (const token of [agent.apiKey, agent.token, grace]) {
      expect((await hub.call("GET", "/messages", { token })).status).toBe(401);
    }
  });

  test("by the operator, for one agent", async () => {
    const [agent, other] = [await newAgent(), await newAgent()];
    const [cut, kept] = [await openAll(agent.token), await openAll(other.token)];
    const { apiKey } = await operator().resetAgentKey({ agentId: agent.agentId });
    await expectCut(cut, agent);
    expect((await hub.call("GET", "/context", { token: apiKey })).status).toBe(200);
    await expectOpen(kept, other);
  });

  test("by its agent's end", async () => {
    const agent = await newAgent();
    const opened = await openAll(agent.token);
    expect((await hub.admin("DELETE", `/agents/${agent.agentId}`)).status).toBe(204);
    await expectCut(opened, undefined);
  });

  test("by its secret, for all tokens and no keys; a plain rotation ends none", async () => {
    const agent = await newAgent();
    const [byKey, byToken] = [await openAll(agent.apiKey), await openAll(agent.token)];
    const first = await operator().rotateTokenSecret({ revokeNow: false });
    expect((await agent.get("/context")).status).toBe(200);
    const second = await operator().rotateTokenSecret({ revokeNow: true });
    expect(second.kid).not.toBe(first.kid);
    await expectCut(byToken, agent);
    await expectOpen(byKey, agent);
    expect((await agent.get("/context")).status).toBe(401);
    const body = { agent_id: agent.agentId, api_key: agent.apiKey };
    const token = String((await hub.call("POST", "/register", { body })).field("token"));
    expect((await hub.call("GET", "/context", { token })).status).toBe(200);
  });
});

test("a wait for a reply ends too, and what was sent is told", async () => {
  const [agent, peer] = [await newAgent(), await newAgent()];
  const asking = agent.post("/send?wait=50", { to: peer.agentId, payload: "question" });
  await until("the question", async () => (await peer.get("/messages?ack=manual")).messages().length > 0);
  await agent.post("/keys/rotate", { revoke_now: true });
  const answer = await asking;
  expect([answer.status, answer.field("reply")]).toEqual([202, null]);
});

describe("what is opened while it is revoked", () => {
  test("is refused or cut, however close it comes", async () => {
    const agent = await newAgent();
    const opening = Array.from({ length: 40 }, (_, n) => OPENERS[n % 2]?.(agent.apiKey));
    const rotating = agent.post("/keys/rotate", { revoke_now: true });
    opening.push(...Array.from({ length: 10 }, (_, n) => OPENERS[n % 2]?.(agent.apiKey)));
    expect((await rotating).status).toBe(200);
    const all = await Promise.allSettled(opening);
    const opened = all.flatMap((one) => (one.status === "fulfilled" && one.value ? [one.value] : []));
    await until("the end of all", () => opened.every(({ isOpen }) => !isOpen()));
    for (const one of all)
      if (one.status === "rejected") expect(String(one.reason)).toContain("unauthenticated");
  });
});

test("what was revoked stays so when the hub is killed", { timeout: 90_000 }, async () => {
  await using own = await startHub();
  const agent = await own.join("agent");
  const fresh = String((await agent.post("/keys/rotate", { revoke_now: true })).field("api_key"));
  await own.kill();
  await own.start();
  for (const token of [agent.apiKey, agent.token]) {
    expect((await own.call("GET", "/messages", { token })).status).toBe(401);
  }
  const body = { agent_id: "agent", api_key: fresh };
  const token = String((await own.call("POST", "/register", { body })).field("token"));
  const transport = createGrpcTransport({
    baseUrl: `http://${own.grpc}`,
    interceptors: [bearing(ADMIN_TOKEN)],
  });
  await createClient(OperatorService, transport).rotateTokenSecret({ revokeNow: true });
  await own.kill();
  await own.start();
  expect((await own.call("GET", "/messages", { token })).status).toBe(401);
  expect((await own.call("GET", "/messages", { token: fresh })).status).toBe(200);
  const registry = createClient(RegistryService, createGrpcTransport({ baseUrl: `http://${own.grpc}` }));
  expect((await registry.register({ agentId: "agent", apiKey: fresh })).token).not.toBe("");
});
