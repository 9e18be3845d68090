import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openHttpServer } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { taskInState } from "../../support/task-in-state.ts";
import { startRestWorker, type TaskWorker } from "../../support/task-worker.ts";
import { obedient } from "../a2a/stage.ts";

type Json = Record<string, unknown>;

let near: TestHub;
let far: TestHub;
let alice: TestAgent;
let worker: TaskWorker;

/** An agent of the far hub, which knows only curl, is reached from the near one through A2A, as anybody could. */
beforeAll(async () => {
  [near, far] = await Promise.all([
    startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1" } }),
    startHub({ env: { MESHKORE_HUB_ID: "far.test" } }),
  ]);
  alice = await near.join("alice");
  const bob = await far.join("bob", {
    profile: { access: "public", visibility: "public", capabilities: ["echo"] },
  });
  worker = startRestWorker(bob, obedient);
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await near?.[Symbol.asyncDispose]();
  await far?.[Symbol.asyncDispose]();
});

/** The card of the far agent, with the interfaces of one binding alone. */
async function cardOf(binding: string, version: string): Promise<string> {
  const answer = await far.call("GET", "/a2a/bob/.well-known/agent-card.json");
  const {
    signatures: _signatures,
    supportedInterfaces,
    url: _url,
    additionalInterfaces: _more,
    ...card
  } = Object(answer.json);
  const kept = supportedInterfaces.filter(
    (one: Json) => one["protocolBinding"] === binding && one["protocolVersion"] === version,
  );
  expect(kept, answer.text).toHaveLength(1);
  const server = await openHttpServer((_request, response) => {
    response.end(JSON.stringify({ ...card, supportedInterfaces: kept }));
  });
  onTestFinished(() => server.stop());
  return server.url;
}

let count = 0;

async function give(cardUrl: string, payload: string): Promise<string> {
  count += 1;
  const to = `far-bob-${count}`;
  await near.join(to, { profile: { reach: { a2a: { card_url: cardUrl } } } });
  const answer = await alice.post("/tasks", { to, payload });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.field("task_id"));
}

const stateIs = (taskId: string, state: string) => taskInState(alice, taskId, state);

function textsOf(task: Json): string[] {
  return (task["artifacts"] as { parts: { text?: string }[] }[]).map(({ parts }) =>
    parts.map(({ text }) => text).join(""),
  );
}

describe.each([
  ["HTTP+JSON", "1.0"],
  ["JSONRPC", "1.0"],
  ["JSONRPC", "0.3"],
  ["HTTP+JSON", "0.3"],
])("a worker of another hub, over %s %s", (binding, version) => {
  it("does tasks, asks back, fails and is canceled", async () => {
    const cardUrl = await cardOf(binding, version);
    expect(textsOf(await stateIs(await give(cardUrl, "stream"), "completed"))).toEqual(["one two three"]);
    const asking = await give(cardUrl, "ask");
    await stateIs(asking, "input_required");
    await alice.post(`/tasks/${asking}/messages`, { payload: "this" });
    expect(textsOf(await stateIs(asking, "completed"))).toEqual(["got this"]);
    const failed = await stateIs(await give(cardUrl, "fail"), "failed");
    expect(JSON.stringify(failed["message"])).toContain("it broke");
    const working = await give(cardUrl, "work");
    await stateIs(working, "working");
    expect((await alice.post(`/tasks/${working}/cancel`)).status).toBe(200);
  });
});

it("the card as the far hub serves it, signature and all, is taken", async () => {
  const id = await give(`${far.http}/a2a/bob/.well-known/agent-card.json`, "echo hello");
  expect(textsOf(await stateIs(id, "completed"))).toEqual(["hello"]);
  const { reach_status: status } = Object((await alice.get(`/agents/far-bob-${count}`)).json);
  expect(status.a2a).toMatchObject({ state: "reachable", key: expect.stringMatching(/^[\w-]{43}$/) });
});
