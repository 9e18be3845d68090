import { once } from "node:events";
import type { StreamResponse, Task } from "@a2a-js/sdk";
import { type Client, ServiceParameters, withA2AExtensions } from "@a2a-js/sdk/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type A2aRemote, openA2aRemote } from "../../support/a2a-remote.ts";
import { EventStreamClient } from "../../support/event-stream.ts";
import type { TestAgent } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { openOldClient } from "./old-client.ts";
import {
  asTask,
  BINDINGS,
  type Binding,
  configured,
  nextItem,
  openStage,
  type Stage,
  says,
  sdkClient,
  stateName,
} from "./stage.ts";

const RECEIPTS = "https://meshkore.dev/ext/delivery-receipts/v1";
const ASKED = { serviceParameters: ServiceParameters.create(withA2AExtensions(RECEIPTS)) };
const env = { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "2" };
let stage: Stage;
let names = 0;

beforeAll(async () => {
  stage = await openStage({ env });
});

afterAll(() => stage?.[Symbol.asyncDispose]());

type Json = Record<string, unknown>;

function receiptOf(holder: { metadata?: Json | undefined } | undefined): Json {
  return Object(holder?.metadata?.[`${RECEIPTS}/receipt`]);
}

/** Of a streamed task or status: `SUBMITTED accepted`. */
function line({ payload }: StreamResponse): string {
  if (payload?.$case !== "task" && payload?.$case !== "statusUpdate") return payload?.$case ?? "";
  const { state, reason } = receiptOf(payload.value);
  return [stateName(payload.value.status?.state), state, reason].filter((word) => word).join(" ");
}

async function newcomer(profile: Json = {}): Promise<TestAgent> {
  names += 1;
  return stage.hub.join(`worker-${names}`, { profile });
}

async function clientFor({ agentId }: TestAgent, binding: Binding = "JSONRPC"): Promise<Client> {
  return sdkClient(`${stage.hub.http}/a2a/${agentId}`, binding, stage.alice.token);
}

/** What an agent does that was away: it takes what is there, and then acknowledges that. */
interface Comeback {
  take(taskId: string): Promise<void>;
  acknowledge(): Promise<void>;
  end(): Promise<void>;
}

async function overRest(worker: TestAgent): Promise<Comeback> {
  let cursor = "";
  return {
    async take() {
      const page = await worker.get("/messages");
      expect(page.messages()).toHaveLength(1);
      cursor = String(page.field("cursor"));
    },
    async acknowledge() {
      expect((await worker.post("/messages/ack", { cursor })).status).toBe(204);
    },
    end: async () => undefined,
  };
}

async function overSocket(worker: TestAgent): Promise<Comeback> {
  const socket = new WebSocket(`${stage.hub.http.replace(/^http/, "ws")}/ws`, ["meshkore.v1.json"]);
  let cursor = "";
  return {
    async take() {
      await once(socket, "open");
      socket.on("message", (data: Buffer) => {
        for (const { cursor: at } of JSON.parse(data.toString("utf8")).deliver ?? []) cursor = at;
      });
      socket.send(JSON.stringify({ hello: { token: worker.token } }));
      await until("the task comes", () => cursor !== "");
    },
    async acknowledge() {
      socket.send(JSON.stringify({ ack: cursor }));
    },
    async end() {
      socket.close();
      await once(socket, "close");
    },
  };
}

const MATRIX = BINDINGS.flatMap((binding) => [
  { binding, wire: "REST", comesBack: overRest },
  { binding, wire: "WebSocket", comesBack: overSocket },
]);

describe.each(MATRIX)("a caller on $binding, a worker on $wire that was away", ({ binding, comesBack }) => {
  it("hears when the message is accepted, delivered and acknowledged", async () => {
    const worker = await newcomer();
    const client = await clientFor(worker, binding);
    const request = says("hello");
    const stream = client.sendMessageStream(request, ASKED);
    const first = await nextItem(stream);
    expect(line(first)).toBe("SUBMITTED accepted");
    const task = first.payload?.value as Task;
    expect(receiptOf(task)).toEqual({
      messageId: request.message?.messageId,
      state: "accepted",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      sequence: 1,
      inboxSequence: 1,
    });
    const comeback = await comesBack(worker);
    await comeback.take(task.id);
    expect(line(await nextItem(stream))).toBe("SUBMITTED delivered");
    await comeback.acknowledge();
    expect(line(await nextItem(stream))).toBe("SUBMITTED acknowledged");
    await worker.post(`/tasks/${task.id}/messages`, { payload: "hi", status: "completed" });
    expect((await nextItem(stream)).payload?.$case).toBe("artifactUpdate");
    expect(line(await nextItem(stream))).toBe("COMPLETED acknowledged");
    expect((await stream.next()).done).toBe(true);
    const later = await client.getTask({ tenant: "", id: task.id, historyLength: undefined }, ASKED);
    expect(receiptOf(later)["state"]).toBe("acknowledged");
    await comeback.end();
  });

  it("finds the receipt on every task that it gets, and nothing when it does not ask", async () => {
    const worker = await newcomer();
    const client = await clientFor(worker, binding);
    const sent = asTask(
      await client.sendMessage(configured(says("one"), { returnImmediately: true }), ASKED),
    );
    expect(receiptOf(sent)).toMatchObject({ state: "accepted", sequence: 1 });
    const plain = await client.getTask({ tenant: "", id: sent.id, historyLength: undefined });
    expect(plain.metadata).toBeUndefined();
    const more = says("two", { taskId: sent.id });
    const turned = asTask(await client.sendMessage(configured(more, { returnImmediately: true }), ASKED));
    expect(receiptOf(turned)).toMatchObject({ messageId: more.message?.messageId, inboxSequence: 2 });
    await worker.get("/messages");
    const wanted = { tenant: "", contextId: sent.contextId, status: 0, pageSize: 10, pageToken: "" };
    const list = await client.listTasks(
      { ...wanted, historyLength: undefined, statusTimestampAfter: undefined, includeArtifacts: false },
      ASKED,
    );
    expect(list.tasks.map((task) => receiptOf(task)["state"])).toEqual(["delivered"]);
    const canceled = await client.cancelTask({ tenant: "", id: sent.id, metadata: undefined }, ASKED);
    expect(receiptOf(canceled)).toMatchObject({ state: "delivered", messageId: more.message?.messageId });
  });
});

describe.each(BINDINGS)("a caller on %s of an agent that lives elsewhere", (binding) => {
  async function reached(): Promise<[A2aRemote, TestAgent]> {
    const remote = await openA2aRemote({ version: "1.0", streaming: true });
    const worker = await newcomer({ reach: { a2a: { card_url: remote.cardUrl } } });
    await until("it is reachable", async () => {
      const { reach_status: status } = Object((await stage.alice.get(`/agents/${worker.agentId}`)).json);
      return status?.a2a?.state === "reachable";
    });
    return [remote, worker];
  }

  it("hears when it is back and has taken the message", async () => {
    const [remote, worker] = await reached();
    await remote.stop();
    const stream = (await clientFor(worker, binding)).sendMessageStream(says("hold"), ASKED);
    expect(line(await nextItem(stream))).toBe("SUBMITTED accepted");
    await remote.start();
    const lines: string[] = [];
    for await (const item of stream) {
      lines.push(line(item));
      if (line(item).endsWith("acknowledged")) remote.release();
    }
    // Once it has said something, nobody can say that it does not know.
    expect(lines.filter((one) => one.endsWith("accepted"))).toEqual([]);
    expect(lines.some((one) => one.endsWith("acknowledged"))).toBe(true);
    expect(lines.at(-1)).toBe("COMPLETED acknowledged");
    await remote[Symbol.asyncDispose]();
  });

  it("hears no answer to what it is not told to be delivered", async () => {
    const [remote, worker] = await reached();
    const stream = (await clientFor(worker, binding)).sendMessageStream(says("message hello"), ASKED);
    expect(line(await nextItem(stream))).toBe("SUBMITTED accepted");
    for (let last = ""; !last.startsWith("COMPLETED"); ) {
      last = line(await nextItem(stream));
      expect(last).toMatch(/(delivered|acknowledged)$/);
    }
    await remote[Symbol.asyncDispose]();
  });

  it("hears why it never will", async () => {
    const [remote, worker] = await reached();
    remote.failWith = 503;
    const stream = (await clientFor(worker, binding)).sendMessageStream(says("echo hello"), ASKED);
    expect(line(await nextItem(stream))).toBe("SUBMITTED accepted");
    expect(line(await nextItem(stream))).toMatch(/^FAILED failed .*answered 503/);
    const dead = (await stage.alice.get("/messages/dead")).messages()[0];
    expect(dead).toMatchObject({ to: worker.agentId, status: "failed" });
    await remote[Symbol.asyncDispose]();
  });
});

it("a worker that leaves leaves the message dead, for its caller to see", async () => {
  const worker = await newcomer();
  const stream = (await clientFor(worker)).sendMessageStream(says("hello"), ASKED);
  expect(line(await nextItem(stream))).toBe("SUBMITTED accepted");
  await worker.call("DELETE", `/agents/${worker.agentId}`);
  expect(line(await nextItem(stream))).toBe("FAILED failed the worker left the hub");
  const dead = (await stage.alice.get("/messages/dead")).messages()[0];
  expect(dead).toMatchObject({ to: worker.agentId, reason: "the worker left the hub" });
});

it("a receipt that came while nobody listened comes first when the caller goes on, also after a kill", async () => {
  const worker = await newcomer();
  const client = await clientFor(worker);
  const task = asTask(
    await client.sendMessage(configured(says("hello"), { returnImmediately: true }), ASKED),
  );
  const page = await worker.get("/messages");
  const [told] = page.messages();
  const status = `/messages/${Object(told).id}/status`;
  expect((await stage.alice.get(status)).field("status")).toBe("delivered");
  await worker.post("/messages/ack", { cursor: String(page.field("cursor")) });
  // The same is told natively, to both sides, and to nobody else.
  for (const who of [stage.alice, worker]) expect((await who.get(status)).field("status")).toBe("read");
  expect((await stage.bob.get(status)).status).toBe(404);
  await stage.hub.kill();
  await stage.hub.start();
  const url = `${stage.hub.http}/a2a/${worker.agentId}/tasks/${task.id}:subscribe`;
  const headers = { "a2a-version": "1.0", "a2a-extensions": RECEIPTS, "last-event-id": "1" };
  const stream = await EventStreamClient.open(url, { token: stage.alice.token, headers });
  expect(stream.response.headers.get("a2a-extensions")).toBe(RECEIPTS);
  await until("the receipt comes", () => stream.events.length === 1);
  const [first] = stream.events;
  // It is no event of the task: there is nothing to go on from.
  expect(first?.id).toBe("");
  const { statusUpdate } = JSON.parse(first?.data ?? "{}");
  expect(statusUpdate).toMatchObject({ taskId: task.id, contextId: task.contextId });
  expect(statusUpdate.status.state).toBe("TASK_STATE_SUBMITTED");
  expect(receiptOf(statusUpdate)).toMatchObject({ state: "acknowledged", inboxSequence: 1 });
  await worker.post(`/tasks/${task.id}/messages`, { status: "completed" });
  await until("the stream ends", () => stream.hasEnded);
});

describe.each(["JSONRPC", "HTTP+JSON"])("the client of 0.3.14 on %s", (binding) => {
  it("hears of it by the name that it knows for extensions", async () => {
    const worker = await newcomer();
    const base = `${stage.hub.http}/a2a/${worker.agentId}/`;
    const client = await openOldClient(base, stage.alice.token, binding);
    const card = await client.getAgentCard();
    expect(card.capabilities.extensions?.map(({ uri }) => uri)).toContain(RECEIPTS);
    const message = {
      ...{ kind: "message" as const, role: "user" as const, messageId: `old-${binding}` },
      parts: [{ kind: "text" as const, text: "hello" }],
    };
    const stream = client.sendMessageStream(
      { message },
      { serviceParameters: { "X-A2A-Extensions": RECEIPTS } },
    );
    const lines: unknown[] = [];
    for await (const event of stream) {
      if (event.kind !== "task" && event.kind !== "status-update") continue;
      lines.push([event.kind, event.status.state, receiptOf(event)["state"]]);
      const taskId = event.kind === "task" ? event.id : event.taskId;
      if (lines.length === 1) await worker.get("/messages");
      if (lines.length === 2) await worker.post(`/tasks/${taskId}/messages`, { status: "completed" });
    }
    expect(lines).toEqual([
      ["task", "submitted", "accepted"],
      ["status-update", "submitted", "delivered"],
      ["status-update", "completed", "delivered"],
    ]);
  });
});
