import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { openOutboundHttp } from "../../../src/engines/outbound-http/node/outbound-http.ts";
import { TaskMessageSchema, TaskState, TaskStatusSchema } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { newCounts } from "../../../src/model/counts.ts";
import { createMessageIds } from "../../../src/model/message-id.ts";
import { ANONYMOUS, type Call } from "../../../src/model/principal.ts";
import { FairGate } from "../../../src/outbound/fair-gate.ts";
import type { NewPush, PushRenderer } from "../../../src/outbound/push/push.ts";
import { Pushes } from "../../../src/outbound/push/pushes.ts";
import { Targets } from "../../../src/outbound/targets.ts";
import { CoreFixture, codeOf, NO_SIGNAL, readerOf } from "../../support/core-fixture.ts";
import { type HttpServer, openHttpServer, textOf } from "../../support/http-server.ts";
import { until } from "../../support/until.ts";

const callOf = (agentId: string): Call => ({
  principal: readerOf(agentId),
  signal: NO_SIGNAL,
  remoteAddress: "127.0.0.1",
});

/** Each event in words of the test's own: its author and state. */
const render: PushRenderer = (event, push) => {
  const { status, author } = event;
  const bodies = status === undefined ? [] : [`${author}:${TaskState[status.state]}`];
  return { headers: { "content-type": "text/test", "x-token": push.token }, bodies };
};

interface Receiver extends HttpServer {
  readonly got: string[];
  readonly headers: IncomingMessage["headers"][];
  /** How it answers; default 204. */
  answer: (response: ServerResponse) => void;
}

async function openReceiver(port = 0): Promise<Receiver> {
  const got: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const receiver = { answer: (response: ServerResponse) => void response.writeHead(204).end() };
  const server = await openHttpServer(
    async (request, response) => {
      got.push(await textOf(request));
      headers.push(request.headers);
      receiver.answer(response);
    },
    { port },
  );
  onTestFinished(() => server.stop().catch(() => undefined));
  return Object.assign(receiver, server, { got, headers });
}

class PushFixture {
  readonly core: CoreFixture;
  pushes: Pushes;

  private constructor(core: CoreFixture) {
    this.core = core;
    this.pushes = this.#make();
  }

  static async open(): Promise<PushFixture> {
    const core = await CoreFixture.open();
    await core.addAgents("alice", "bob", "carol");
    const fixture = new PushFixture(core);
    onTestFinished(() => fixture.pushes.stop());
    return fixture;
  }

  #make(): Pushes {
    const { core, clock, log, stores, logger } = this.core;
    const http = openOutboundHttp({ isAllowed: (address) => address === "127.0.0.1" });
    onTestFinished(() => http[Symbol.asyncDispose]());
    const gate = new FairGate({ atOnce: 64, perCaller: 16, perTarget: 4 });
    const pushes = new Pushes({
      ...{ log, clock, logger, http, counts: newCounts().outbound },
      retry: { firstMs: 4, mostMs: 16, giveUpMs: 60_000 },
      store: stores.pushes,
      outcomes: stores.outcomes,
      tasks: core.tasks,
      targets: new Targets({ clock, gate, failures: 1000, firstRestMs: 1, mostRestMs: 1 }),
      newConfigId: randomUUID,
      newMessageId: createMessageIds(() => clock.nowUnixMs()),
    });
    pushes.addRenderer("test", render);
    core.ladder.setRedriver((_agentId, dead) => pushes.redrive(dead));
    return pushes;
  }

  /** The hub dies, or is stopped, and comes back over the same data. */
  async restart(options: { readonly isCrash?: boolean } = {}): Promise<void> {
    await this.pushes.stop();
    await this.core.restart(options);
    this.pushes = this.#make();
    await this.pushes.resumeAll();
  }

  async task(caller = "alice"): Promise<string> {
    const message = create(TaskMessageSchema, { parts: [{ content: { case: "text", value: "do it" } }] });
    const { task } = await this.core.core.tasks.create(callOf(caller), { to: "bob", message });
    return task.id;
  }

  async update(taskId: string, state: TaskState): Promise<void> {
    await this.core.core.tasks.update(callOf("bob"), taskId, { status: create(TaskStatusSchema, { state }) });
  }

  set(taskId: string, url: string, more: Partial<NewPush> = {}) {
    return this.pushes.set(callOf("alice"), { taskId, dialect: "test", url, ...more });
  }
}

describe("push notifications", () => {
  it("send the events from now on, in order, with what they were asked for with, and end with the task", async () => {
    const fixture = await PushFixture.open();
    const receiver = await openReceiver();
    const taskId = await fixture.task();
    await fixture.update(taskId, TaskState.WORKING);
    const secrets = { token: "mine", scheme: "Bearer", credentials: "s3cret" };
    const { configId } = await fixture.set(taskId, `${receiver.url}/hook`, secrets);
    await fixture.update(taskId, TaskState.INPUT_REQUIRED);
    await fixture.update(taskId, TaskState.WORKING);
    await fixture.update(taskId, TaskState.COMPLETED);
    await until("all came", () => receiver.got.length === 3);
    expect(receiver.got).toEqual(["bob:INPUT_REQUIRED", "bob:WORKING", "bob:COMPLETED"]);
    for (const headers of receiver.headers) {
      const expected = { authorization: "Bearer s3cret", "x-token": "mine", "content-type": "text/test" };
      expect(headers).toMatchObject(expected);
    }
    const gone = async () =>
      (await codeOf(fixture.pushes.get(callOf("alice"), taskId, configId))) === "not_found";
    await until("the config ends", gone);
    expect(fixture.pushes.running.open).toBe(0);
  });

  it("send what happened after the sequence that is named", async () => {
    const fixture = await PushFixture.open();
    const receiver = await openReceiver();
    const taskId = await fixture.task();
    await fixture.update(taskId, TaskState.WORKING);
    await fixture.update(taskId, TaskState.COMPLETED);
    await fixture.set(taskId, receiver.url, { after: 1 });
    await until("all came", () => receiver.got.length === 2);
    expect(receiver.got).toEqual(["bob:WORKING", "bob:COMPLETED"]);
  });

  it("try again until it is taken, and do what Retry-After says", async () => {
    const fixture = await PushFixture.open();
    const receiver = await openReceiver();
    let refusals = 0;
    receiver.answer = (response) => {
      const isTaken = ++refusals > 5;
      response.writeHead(isTaken ? 200 : 503, isTaken ? {} : { "retry-after": "0" }).end();
    };
    const taskId = await fixture.task();
    await fixture.set(taskId, receiver.url);
    await fixture.update(taskId, TaskState.WORKING);
    await fixture.update(taskId, TaskState.COMPLETED);
    await until("all came", () => receiver.got.at(-1) === "bob:COMPLETED");
    expect(receiver.got).toEqual([...Array(6).fill("bob:WORKING"), "bob:COMPLETED"]);
  });

  it("outlive a server that is down, and a restart of the hub in the middle", async () => {
    const fixture = await PushFixture.open();
    const first = await openReceiver();
    const taskId = await fixture.task();
    await fixture.set(taskId, first.url);
    await fixture.update(taskId, TaskState.WORKING);
    await until("the first came", () => first.got.length === 1);
    const stored = async () => (await fixture.core.stores.pushes.list(taskId, "", 1))[0]?.sent === 2;
    await until("that is written down", stored);
    await first.stop();
    await fixture.update(taskId, TaskState.INPUT_REQUIRED);
    await fixture.restart({ isCrash: true });
    await fixture.update(taskId, TaskState.COMPLETED);
    const second = await openReceiver(first.port);
    await until("the rest came", () => second.got.length >= 2);
    expect(second.got).toEqual(["bob:INPUT_REQUIRED", "bob:COMPLETED"]);
  });

  it("are given up in the end: dead, with the reason, also after a restart, until they are redriven", async () => {
    const fixture = await PushFixture.open();
    const receiver = await openReceiver();
    receiver.answer = (response) => void response.writeHead(500).end();
    const taskId = await fixture.task();
    const { configId } = await fixture.set(taskId, receiver.url, { configId: "my/hook 1" });
    await fixture.update(taskId, TaskState.WORKING);
    await until("it is tried again", () => receiver.got.length > 2);
    fixture.core.clock.nowMs += 61_000;
    const deadOf = (agentId: string) => fixture.core.core.ladder.dead(agentId, {});
    const [dead] = await until("it is dead", async () => {
      const { messages } = await deadOf("alice");
      return messages.length > 0 && messages;
    });
    expect(dead).toMatchObject({ state: "failed", reason: expect.stringContaining("answered 500") });
    expect(dead?.to).toBe(`push/${taskId}/${configId}`);
    expect((await deadOf("bob")).messages).toEqual([]);
    await fixture.restart();
    const tried = receiver.got.length;
    await fixture.update(taskId, TaskState.COMPLETED);
    receiver.answer = (response) => void response.writeHead(200).end();
    const messageId = dead?.messageId ?? "";
    expect(await codeOf(fixture.core.core.ladder.redrive("bob", messageId))).toBe("not_found");
    expect(receiver.got.length).toBe(tried);
    await fixture.core.core.ladder.redrive("alice", messageId);
    await until("the rest came", () => receiver.got.at(-1) === "bob:COMPLETED");
    expect(receiver.got.slice(tried)).toEqual(["bob:WORKING", "bob:COMPLETED"]);
    await until("the config is gone", async () => fixture.pushes.running.open === 0);
    expect(await codeOf(fixture.core.core.ladder.redrive("alice", messageId))).toBe("not_found");
  });

  it("stop at once when the receiver says that it is gone", async () => {
    const fixture = await PushFixture.open();
    const receiver = await openReceiver();
    receiver.answer = (response) => void response.writeHead(410).end();
    const taskId = await fixture.task();
    await fixture.set(taskId, receiver.url);
    await fixture.update(taskId, TaskState.WORKING);
    await until("it stopped", () => fixture.pushes.running.open === 0);
    expect(receiver.got).toHaveLength(1);
    expect((await fixture.core.core.ladder.dead("alice", {})).messages).toHaveLength(1);
  });

  it("end when they are removed, replaced, or with who asked for them", async () => {
    const fixture = await PushFixture.open();
    const [first, second] = [await openReceiver(), await openReceiver()];
    const taskId = await fixture.task();
    await fixture.set(taskId, first.url, { configId: "a" });
    await fixture.set(taskId, second.url, { configId: "a" });
    await fixture.set(taskId, first.url, { configId: "b" });
    await fixture.pushes.remove(callOf("alice"), taskId, "b");
    await fixture.update(taskId, TaskState.WORKING);
    await until("it came", () => second.got.length === 1);
    expect(first.got).toEqual([]);
    await fixture.core.stores.agents.remove("alice", 1);
    await fixture.pushes.forgetOwner("alice");
    expect(fixture.pushes.running.open).toBe(0);
    await fixture.pushes.resumeAll();
    expect(fixture.pushes.running.open).toBe(0);
  });

  it("are for who gave the task alone; to a guest's task anybody who knows it", async () => {
    const fixture = await PushFixture.open();
    const taskId = await fixture.task();
    const push = { taskId, dialect: "test", url: "http://127.0.0.1:9/" };
    const { configId } = await fixture.set(taskId, push.url, { credentials: "secret", scheme: "Bearer" });
    for (const [agentId, code] of [
      ["bob", "permission_denied"],
      ["carol", "not_found"],
    ] as const) {
      expect(await codeOf(fixture.pushes.set(callOf(agentId), push))).toBe(code);
      expect(await codeOf(fixture.pushes.get(callOf(agentId), taskId, configId))).toBe(code);
      expect(await codeOf(fixture.pushes.list(callOf(agentId), taskId))).toBe(code);
      expect(await codeOf(fixture.pushes.remove(callOf(agentId), taskId, configId))).toBe(code);
    }
    const anonymous = { ...callOf("x"), principal: ANONYMOUS };
    expect(await codeOf(fixture.pushes.list(anonymous, taskId))).toBe("unauthenticated");
    expect((await fixture.pushes.list(callOf("alice"), taskId)).pushes).toHaveLength(1);
  });

  it("are refused for what no call can be made of", async () => {
    const fixture = await PushFixture.open();
    const taskId = await fixture.task();
    const refusals: readonly [Partial<NewPush>, string][] = [
      [{ url: "http://10.0.0.1/" }, "permission_denied"],
      [{ url: "http://169.254.169.254/" }, "permission_denied"],
      [{ url: "ftp://127.0.0.1/" }, "invalid_argument"],
      [{ url: `http://127.0.0.1/${"a".repeat(3000)}` }, "invalid_argument"],
      [{ token: "a\r\nx: y" }, "invalid_argument"],
      [{ scheme: "Bearer", credentials: "a\nb" }, "invalid_argument"],
      [{ scheme: "Bearer token" }, "invalid_argument"],
      [{ credentials: "alone" }, "invalid_argument"],
      [{ configId: "" }, "invalid_argument"],
      [{ after: -1 }, "invalid_argument"],
    ];
    for (const [changes, code] of refusals) {
      expect(await codeOf(fixture.set(taskId, "http://127.0.0.1:9/", changes)), JSON.stringify(changes)).toBe(
        code,
      );
    }
    for (let count = 0; count < 10; count++) await fixture.set(taskId, "http://127.0.0.1:9/");
    expect(await codeOf(fixture.set(taskId, "http://127.0.0.1:9/"))).toBe("failed_precondition");
    const { pushes, cursor } = await fixture.pushes.list(callOf("alice"), taskId, { limit: 4 });
    expect(pushes).toHaveLength(4);
    expect(
      (await fixture.pushes.list(callOf("alice"), taskId, { cursor: cursor ?? "" })).pushes,
    ).toHaveLength(6);
    await fixture.update(taskId, TaskState.COMPLETED);
    const another = fixture.set(taskId, "http://127.0.0.1:9/", { configId: "x" });
    expect(await codeOf(another)).toBe("failed_precondition");
  });
});
