import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openHttpServer, textOf } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "1" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

type Answer = (response: ServerResponse, request: Json) => void;

interface Remote {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** An agent that has a card, and answers every call as it is told. */
async function openRemote(answer: Answer): Promise<Remote> {
  const server = await openHttpServer(async (request: IncomingMessage, response) => {
    if (request.method === "POST") return answer(response, JSON.parse(await textOf(request)));
    const card = {
      ...{ name: "Far", description: "says no", version: "1", capabilities: {}, skills: [] },
      supportedInterfaces: [{ url: server.url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(card));
  });
  onTestFinished(() => server.stop().catch(() => undefined));
  return server;
}

let count = 0;

async function reach(cardUrl: string): Promise<TestAgent> {
  count += 1;
  return hub.join(`far-${count}`, { profile: { reach: { a2a: { card_url: cardUrl } } } });
}

async function reachable({ agentId }: TestAgent): Promise<void> {
  await until(`${agentId} is reachable`, async () =>
    (await alice.get(`/agents/${agentId}`)).text.includes('"state":"reachable"'),
  );
}

/** What the task that it is given says when it has failed; the dead message and the dead plain message say the same. */
async function failureOf({ agentId }: TestAgent): Promise<string> {
  const given = await alice.post("/tasks", { to: agentId, payload: "do it" });
  expect(given.status, given.text).toBe(201);
  const sent = await alice.post("/send", { to: agentId, payload: "do it" });
  const task: Json = await until("it has failed", async () => {
    const now: Json = Object((await alice.get(`/tasks/${given.field("task_id")}`)).json);
    return now["state"] === "failed" && now;
  });
  const [part] = Object(task["message"]).parts;
  const dead: Json[] = await until("both are dead", async () => {
    const all = (await alice.get("/messages/dead")).messages().map(Object);
    const theirs = all.filter(({ to }: Json) => to === agentId);
    return theirs.length === 2 && theirs;
  });
  const plain = dead.find(({ message_id: id }) => id === sent.field("message_id"));
  const ofTask = dead.find((one) => one !== plain);
  expect(ofTask?.["reason"]).toBe(part.text);
  // It says the same of the message, but for whose task it was.
  expect(part.text).toBe(`${agentId} did not do it: ${plain?.["reason"]}`);
  return String(plain?.["reason"]);
}

describe("a task that a remote agent did not do says truthfully why", () => {
  it("when it refused", async () => {
    const error = { code: -32602, message: "no such skill" };
    const remote = await openRemote((response, { id }) => {
      response.end(JSON.stringify({ jsonrpc: "2.0", id, error }));
    });
    expect(await failureOf(await reach(remote.url))).toBe("it refused: no such skill (-32602)");
  });

  it("when it answered with a status", async () => {
    const remote = await openRemote((response) => response.writeHead(403).end("go away"));
    expect(await failureOf(await reach(remote.url))).toBe(`127.0.0.1:${remote.port} answered 403`);
  });

  it("when what it answered is no A2A", async () => {
    const remote = await openRemote((response, { id }) => {
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: { greeting: "hi" } }));
    });
    expect(await failureOf(await reach(remote.url))).toBe("it answered what is neither a task nor a message");
  });

  it("when it broke off", async () => {
    const remote = await openRemote((response) => response.destroy());
    expect(await failureOf(await reach(remote.url))).toBe(`127.0.0.1:${remote.port} broke off: ECONNRESET`);
  });

  it("when it is down", async () => {
    const remote = await openRemote(() => undefined);
    const agent = await reach(remote.url);
    await reachable(agent);
    await remote.stop();
    expect(await failureOf(agent)).toBe(`127.0.0.1:${remote.port} cannot be reached: ECONNREFUSED`);
  });

  it("when it has no card", async () => {
    const server = await openHttpServer((_request, response) => response.writeHead(404).end());
    onTestFinished(() => server.stop());
    expect(await failureOf(await reach(server.url))).toBe(
      `the hub has no card of it: 127.0.0.1:${server.port} answered 404`,
    );
  });

  it("when the hub does not call there", async () => {
    expect(await failureOf(await reach("http://10.255.255.1/card"))).toBe(
      "the hub has no card of it: the hub does not call 10.255.255.1: its address is not public",
    );
  });
});
