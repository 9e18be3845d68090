import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type A2aRemote, openA2aRemote } from "../../support/a2a-remote.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { taskInState } from "../../support/task-in-state.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

let hub: TestHub;
let alice: TestAgent;
const remotes: A2aRemote[] = [];

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "3" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());
afterEach(async () => {
  for (const remote of remotes.splice(0)) await remote[Symbol.asyncDispose]();
});

let count = 0;

/** An agent of the hub that stands for a remote one. */
async function reach(
  options: Parameters<typeof openA2aRemote>[0],
  address: Json = {},
): Promise<[TestAgent, A2aRemote]> {
  const remote = await openA2aRemote(options);
  remotes.push(remote);
  const profile = { reach: { a2a: { card_url: remote.cardUrl, ...address } } };
  count += 1;
  return [await hub.join(`remote-${count}`, { profile }), remote];
}

async function profileOf({ agentId }: TestAgent): Promise<Json> {
  return Object((await alice.get(`/agents/${agentId}`)).json);
}

function statusIs(agent: TestAgent, state: string): Promise<Json> {
  return until(`${agent.agentId} is ${state}`, async () => {
    const status: Json = Object(Object((await profileOf(agent))["reach_status"])["a2a"]);
    return status["state"] === state && status;
  });
}

async function give(to: TestAgent, payload: unknown, more: Json = {}): Promise<string> {
  const answer = await alice.post("/tasks", { to: to.agentId, payload, ...more });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.field("task_id"));
}

async function taskOf(taskId: string): Promise<Json> {
  return Object((await alice.get(`/tasks/${taskId}`)).json);
}

const stateIs = (taskId: string, state: string) => taskInState(alice, taskId, state);

function textsOf(task: Json): string[] {
  const artifacts = task["artifacts"] as { parts: { text?: string }[] }[];
  return artifacts.map(({ parts }) => parts.map(({ text }) => text).join(""));
}

const KINDS = [
  { version: "1.0", streaming: true },
  { version: "1.0", streaming: false },
  { version: "0.3", streaming: true },
  { version: "0.3", streaming: false },
] as const;

describe.each(KINDS)("a remote agent of A2A $version, streaming $streaming", (kind) => {
  it("does a task, with all that it says about it", async () => {
    const [agent, remote] = await reach(kind);
    const id = await give(agent, "stream");
    const task = await stateIs(id, "completed");
    expect(textsOf(task)).toEqual(["one two"]);
    const said = JSON.stringify([task["history"], task["message"]]);
    expect(said).toContain("at it");
    expect(remote.heard).toEqual(["stream"]);
  });

  it("asks back, and goes on with the answer", async () => {
    const [agent, remote] = await reach(kind);
    const id = await give(agent, "ask");
    const asked = await stateIs(id, "input_required");
    expect(JSON.stringify(asked["message"])).toContain("which one?");
    const turn = await alice.post(`/tasks/${id}/messages`, { payload: "that one" });
    expect(turn.status, turn.text).toBe(200);
    expect(textsOf(await stateIs(id, "completed"))).toEqual(["got that one"]);
    expect(remote.heard).toEqual(["ask", "that one"]);
  });

  it("fails, or answers at once without a task", async () => {
    const [agent] = await reach(kind);
    const failed = await stateIs(await give(agent, "fail"), "failed");
    expect(JSON.stringify(failed["message"])).toContain("it broke");
    const answered = await stateIs(await give(agent, "message hello"), "completed");
    expect(JSON.stringify(answered["message"])).toContain("hello");
  });

  it("is told that the task is canceled", async () => {
    const [agent, remote] = await reach(kind);
    const id = await give(agent, "hold");
    await stateIs(id, "working");
    expect((await alice.post(`/tasks/${id}/cancel`)).status).toBe(200);
    await until("the remote knows", () => remote.canceled.length === 1);
    expect((await taskOf(id))["state"]).toBe("canceled");
    remote.release();
  });

  it("gets files and gives them back, byte for byte", async () => {
    const [agent] = await reach(kind);
    const raw = randomBytes(200_000).toString("base64");
    const parts = [{ text: "file" }, { raw, filename: "a.bin", media_type: "application/x-test" }];
    const answer = await alice.post("/tasks", { to: agent.agentId, parts });
    expect(answer.status, answer.text).toBe(201);
    const task = await stateIs(String(answer.field("task_id")), "completed");
    const [artifact] = task["artifacts"] as { parts: Json[] }[];
    expect(artifact?.parts).toEqual([{ raw, filename: "a.bin", media_type: "application/x-test" }]);
  });

  it("answers a plain message by a reply", async () => {
    const [agent] = await reach(kind);
    for (const [payload, reply] of [
      ["message hi", "hi"],
      ["echo there", "there"],
      ["ask", "which one?"],
    ]) {
      const answer = await alice.post("/send?wait=20", { to: agent.agentId, payload });
      expect(answer.status, answer.text).toBe(200);
      expect(Object(answer.field("reply"))["payload"]).toBe(reply);
    }
  });
});

describe("a remote agent", () => {
  it("that speaks gRPC alone is not reached, and it is told why", async () => {
    const remote = await openA2aRemote({ version: "1.0", streaming: true });
    remotes.push(remote);
    const [grpc] = remote.card["supportedInterfaces"] as Json[];
    remote.card = { ...remote.card, supportedInterfaces: [grpc] };
    count += 1;
    const profile = { reach: { a2a: { card_url: remote.cardUrl } } };
    const status = await statusIs(await hub.join(`remote-${count}`, { profile }), "unreachable");
    expect(status["reason"]).toMatch(/no interface that the hub calls .* only: GRPC 1\.0$/);
  });

  it("is found by its skills, and shown with where and how it is reached", async () => {
    const [agent, remote] = await reach({ version: "1.0", streaming: true });
    expect(await statusIs(agent, "reachable")).toMatchObject({ protocol: "JSONRPC", version: "1.0" });
    const profile = await profileOf(agent);
    expect(profile).toMatchObject({ name: "Far Away", description: "translates contracts" });
    expect(profile["reach"]).toEqual({ a2a: { card_url: remote.cardUrl } });
    const found = await alice.get("/agents?capability=translate-legal");
    expect(found.text).toContain(agent.agentId);
    expect((await alice.get("/agents?q=legl+translatn")).text).toContain(agent.agentId);
    remote.card = { ...remote.card, skills: [{ id: "sing", name: "Singing", tags: [] }] };
    await until(
      "the new skills are there",
      async () => {
        const { capabilities } = await profileOf(agent);
        return JSON.stringify(capabilities) === '["sing","Singing"]';
      },
      15_000,
    );
  });

  it("that is down gets its task when it is back; what it does meanwhile is not lost", async () => {
    const [agent, remote] = await reach({ version: "1.0", streaming: true });
    await statusIs(agent, "reachable");
    await remote.stop();
    const id = await give(agent, "hold");
    expect((await taskOf(id))["state"]).toBe("submitted");
    await remote.start();
    await stateIs(id, "working");
    await remote.stop();
    remote.release();
    await remote.start();
    const task = await stateIs(id, "completed");
    expect(textsOf(task)).toEqual(["half whole"]);
    expect(remote.heard).toEqual(["hold"]);
  });

  it("that stays down fails the task, which is dead with the reason until it is redriven", async () => {
    const [agent, remote] = await reach({ version: "1.0", streaming: true });
    await statusIs(agent, "reachable");
    remote.failWith = 503;
    const id = await give(agent, "echo at last");
    const failed = await stateIs(id, "failed");
    expect(JSON.stringify(failed["message"])).toContain("answered 503");
    const dead = (await alice.get("/messages/dead")).messages().map(Object);
    const letter: Json = dead.find(({ to }) => to === agent.agentId);
    expect(letter).toMatchObject({ status: "failed", reason: expect.stringContaining("answered 503") });
    remote.failWith = undefined;
    const redriven = await alice.post(`/messages/${letter["message_id"]}/redrive`);
    expect(redriven.status, redriven.text).toBe(202);
    const tasks = await until(
      "the task is done anew",
      async () => {
        const { tasks } = Object((await alice.get(`/tasks?peer=${agent.agentId}`)).json);
        return tasks.some(({ state }: Json) => state === "completed") && tasks;
      },
      20_000,
    );
    expect(tasks).toHaveLength(2);
    // A repeat gives the same task.
    await alice.post(`/messages/${letter["message_id"]}/redrive`);
    expect(Object((await alice.get(`/tasks?peer=${agent.agentId}`)).json).tasks).toHaveLength(2);
    expect(remote.heard).toEqual(["echo at last"]);
  });

  it("gets what came while the hub was killed, once, and goes on with what it had", async () => {
    const [agent, remote] = await reach({ version: "1.0", streaming: true });
    const held = await give(agent, "hold");
    await stateIs(held, "working");
    await remote.stop();
    const waiting = await give(agent, "echo later");
    await hub.kill();
    await remote.start();
    remote.release();
    await hub.start();
    expect(textsOf(await stateIs(held, "completed"))).toEqual(["half whole"]);
    expect(textsOf(await stateIs(waiting, "completed"))).toEqual(["later"]);
    expect(remote.heard).toEqual(["hold", "echo later"]);
  });

  it("on an address that is not public is not called", async () => {
    const profile = { reach: { a2a: { card_url: "http://10.255.255.1/card" } } };
    const agent = await hub.join("inside", { profile });
    const status = await statusIs(agent, "unreachable");
    expect(status["reason"]).toMatch(/does not call 10\.255\.255\.1/);
  });

  it("is refused for what is no such address, and nobody says the hub's part", async () => {
    for (const reachGiven of [
      "http://a.test",
      {},
      { mcp: {} },
      { a2a: {} },
      { a2a: { card_url: "ftp://a.test" } },
      { a2a: { card_url: "https://a.test", key: "short" } },
      { a2a: { card_url: "https://a.test", token: "x" } },
    ]) {
      const answer = await alice.call("PATCH", "/profile", { body: { reach: reachGiven } });
      expect(answer.status, answer.text).toBe(400);
    }
    const forged = await alice.call("PATCH", "/profile", { body: { reach_status: { a2a: {} } } });
    expect(forged.status, forged.text).toBe(403);
  });

  it("is reached no more when its profile says so", async () => {
    const [agent, remote] = await reach({ version: "1.0", streaming: true });
    await statusIs(agent, "reachable");
    const answer = await agent.call("PATCH", "/profile", { body: { reach: null } });
    expect(answer.status, answer.text).toBe(200);
    await give(agent, "echo nobody");
    await until("it is for the agent itself", async () => {
      return (await agent.get("/messages")).messages().length > 0;
    });
    expect(remote.heard).toEqual([]);
  });
});
