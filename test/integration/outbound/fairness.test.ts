import type { ServerResponse } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { type A2aRemote, openA2aRemote } from "../../support/a2a-remote.ts";
import { type HttpServer, openHttpServer, textOf } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { taskInState } from "../../support/task-in-state.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

async function openHub(env: Readonly<Record<string, string>>): Promise<TestHub> {
  const hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", ...env } });
  onTestFinished(() => hub[Symbol.asyncDispose]());
  return hub;
}

/** Servers that take calls and keep them waiting until they are let go. */
class SlowServers {
  readonly #held: { readonly response: ServerResponse; readonly url: string }[] = [];
  #most = 0;
  isSlow = true;
  /** Of every call, whom it was for. */
  readonly called: string[] = [];

  async open(): Promise<HttpServer> {
    const server = await openHttpServer(async (request, response) => {
      await textOf(request);
      this.called.push(server.url);
      if (!this.isSlow) return void response.writeHead(204).end();
      this.#held.push({ response, url: server.url });
      this.#most = Math.max(this.#most, this.#held.length);
    });
    onTestFinished(() => server.stop().catch(() => undefined));
    return server;
  }

  get holding(): number {
    return this.#held.length;
  }

  /** The most calls that were held at the same time. */
  get most(): number {
    return this.#most;
  }

  releaseOne(): void {
    this.#held.shift()?.response.writeHead(204).end();
  }

  releaseAll(): void {
    this.isSlow = false;
    while (this.#held.length > 0) this.releaseOne();
  }
}

/** A task of this caller to bob, whose news go to each of the URLs; gives its id. */
async function taskToldTo(hub: TestHub, caller: TestAgent, urls: readonly string[]): Promise<string> {
  const given = await caller.post("/tasks", { to: "bob", payload: "do it" });
  const taskId = String(given.field("task_id"));
  for (const url of urls) {
    const set = await hub.call("POST", `/a2a/bob/tasks/${taskId}/pushNotificationConfigs`, {
      token: caller.token,
      headers: { "a2a-version": "1.0" },
      body: { url },
    });
    expect(set.status, set.text).toBe(200);
  }
  return taskId;
}

async function works(bob: TestAgent, taskId: string): Promise<void> {
  const answer = await bob.post(`/tasks/${taskId}/messages`, { status: "working" });
  expect(answer.status, answer.text).toBe(200);
}

describe("push notifications to slow receivers", () => {
  it("of one caller take their share of places, and no more, and none of another's", async () => {
    // A sixteenth of 32 are two.
    const hub = await openHub({ MESHKORE_OUTBOUND_AT_ONCE: "32" });
    const [alice, carol, bob] = [await hub.join("alice"), await hub.join("carol"), await hub.join("bob")];
    const slow = new SlowServers();
    const urls: string[] = [];
    for (let n = 0; n < 8; n++) urls.push((await slow.open()).url);
    await works(bob, await taskToldTo(hub, alice, urls));
    await until("alice's share is under way", () => slow.holding === 2);

    const good = new SlowServers();
    good.isSlow = false;
    const taskId = await taskToldTo(hub, carol, [(await good.open()).url]);
    await works(bob, taskId);
    await until("carol's came", () => good.called.length === 1);
    expect([slow.holding, slow.most]).toEqual([2, 2]);

    // Those that waited come in turn: each of the eight is called, never more than two at once.
    for (let n = 0; n < 8; n++) {
      await until("one more is under way", () => slow.holding > 0);
      slow.releaseOne();
    }
    await until("all were called", () => slow.called.length === 8);
    expect(new Set(slow.called).size).toBe(8);
    expect(slow.most).toBe(2);
  });

  it("of many callers take all places there are, by turns, and no more", async () => {
    const hub = await openHub({ MESHKORE_OUTBOUND_AT_ONCE: "3" });
    const bob = await hub.join("bob");
    const slow = new SlowServers();
    const callers = await Promise.all(["c1", "c2", "c3", "c4", "c5"].map((id) => hub.join(id)));
    const taskIds = new Map<string, string>();
    const urlOf = new Map<string, string>();
    for (const caller of callers) {
      const { url } = await slow.open();
      urlOf.set(url, caller.agentId);
      taskIds.set(
        caller.agentId,
        await taskToldTo(
          hub,
          caller,
          ["/1", "/2", "/3", "/4"].map((path) => url + path),
        ),
      );
    }
    for (const taskId of taskIds.values()) await works(bob, taskId);
    await until("three are under way", () => slow.holding === 3);
    // Though the first ones had all of theirs waiting before the last ones came.
    for (let n = 0; n < 5; n++) {
      const before = slow.called.length;
      slow.releaseOne();
      await until("the next is called", () => slow.called.length > before);
    }
    expect(new Set(slow.called.map((url) => urlOf.get(url))).size).toBe(5);
    slow.releaseAll();
    await until("all were called", () => slow.called.length === 20);
    expect(slow.most).toBe(3);
  });

  it("that answer byte by byte do not keep their place for ever", { timeout: 60_000 }, async () => {
    const hub = await openHub({ MESHKORE_OUTBOUND_AT_ONCE: "1" });
    const [alice, bob] = [await hub.join("alice"), await hub.join("bob")];
    const dripping = await openHttpServer((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("."), 100);
      response.once("close", () => clearInterval(timer));
    });
    onTestFinished(() => dripping.stop());
    const good = new SlowServers();
    good.isSlow = false;
    const dripped = await taskToldTo(hub, alice, [dripping.url]);
    await works(bob, dripped);
    const taskId = await taskToldTo(hub, alice, [(await good.open()).url]);
    await works(bob, taskId);
    await until("the other came", () => good.called.length === 1, 50_000);
  });
});

async function reach(hub: TestHub, id: string, options: Parameters<typeof openA2aRemote>[0]) {
  const remote = await openA2aRemote(options);
  onTestFinished(() => remote[Symbol.asyncDispose]());
  const agent = await hub.join(id, { profile: { reach: { a2a: { card_url: remote.cardUrl } } } });
  return { agent, remote };
}

async function give(alice: TestAgent, to: TestAgent, payload: string): Promise<string> {
  const answer = await alice.post("/tasks", { to: to.agentId, payload });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.field("task_id"));
}

const textOfArtifact = (task: Json): string =>
  (task["artifacts"] as { parts: { text?: string }[] }[])
    .flatMap(({ parts }) => parts.map(({ text = "" }) => text))
    .join("");

describe("reached agents", () => {
  it("that do not answer hold up no other", async () => {
    const hub = await openHub({ MESHKORE_OUTBOUND_AT_ONCE: "32" });
    const alice = await hub.join("alice");
    const slow = new SlowServers();
    const server = await slow.open();
    const card = await openHttpServer((_request, response) => {
      const interfaces = [{ url: server.url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }];
      const about = { name: "Slow", description: "", version: "1", capabilities: {}, skills: [] };
      response.end(JSON.stringify({ ...about, supportedInterfaces: interfaces }));
    });
    onTestFinished(() => card.stop());
    const profile = { reach: { a2a: { card_url: card.url } } };
    const sluggish = await hub.join("sluggish", { profile });
    for (let n = 0; n < 6; n++) await give(alice, sluggish, `task ${n}`);
    await until("its share is under way", () => slow.holding === 2);
    const { agent } = await reach(hub, "quick", { version: "1.0", streaming: true });
    const done = await taskInState(alice, await give(alice, agent, "echo here"), "completed");
    expect(textOfArtifact(done)).toBe("here");
    expect([slow.holding, slow.most]).toEqual([2, 2]);
    await server.stop();
  });

  it("have so many streams held open, and are asked for what is beyond", async () => {
    // A sixteenth of 16 is one.
    const hub = await openHub({ MESHKORE_OUTBOUND_STREAMS: "16" });
    const alice = await hub.join("alice");
    const { agent, remote } = await reach(hub, "streaming", { version: "1.0", streaming: true });
    const held = [];
    for (let n = 0; n < 3; n++) held.push(await give(alice, agent, "hold"));
    for (const taskId of held) await taskInState(alice, taskId, "working");
    expect(methodsOf(remote, /^Send/)).toEqual(["SendStreamingMessage", "SendMessage", "SendMessage"]);
    remote.release();
    for (const taskId of held) {
      expect(textOfArtifact(await taskInState(alice, taskId, "completed"))).toBe("half whole");
    }
    // The place is free again; for a plain message too, and after it.
    for (let n = 0; n < 2; n++) {
      const answer = await alice.post("/send?wait=20", { to: agent.agentId, payload: "message hi" });
      expect(Object(answer.field("reply")).payload, answer.text).toBe("hi");
    }
    await taskInState(alice, await give(alice, agent, "stream"), "completed");
    expect(methodsOf(remote, /^Send/).slice(3)).toEqual(Array(3).fill("SendStreamingMessage"));
  });
});

function methodsOf({ calls }: A2aRemote, which: RegExp): string[] {
  return calls.filter((method) => which.test(method));
}
