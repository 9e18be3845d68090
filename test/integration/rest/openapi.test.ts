import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventStreamClient } from "../../support/event-stream.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { type Document, type DocumentedOperation, OpenApiCheck } from "../../support/openapi-check.ts";
import type { RestAnswer, RestOptions } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
let alice: TestAgent;
let bob: TestAgent;
let check: OpenApiCheck;

beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice");
  bob = await hub.join("bob");
  const { status, json } = await hub.call("GET", "/openapi.json");
  expect(status).toBe(200);
  check = new OpenApiCheck(Object(json));
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** Calls, and holds the answer against the document. */
async function call(method: string, target: string, options: RestOptions = {}): Promise<RestAnswer> {
  const answer = await hub.call(method, target, options);
  check.answer(method, target, answer);
  return answer;
}

type Caller = (method: string, target: string, body?: unknown) => Promise<RestAnswer>;
const as = (token: () => string): Caller => {
  return (method, target, body) =>
    call(method, target, { token: token(), ...(body !== undefined && { body }) });
};
const byAlice = as(() => alice.token);
const byBob = as(() => bob.token);
const byAdmin = async (method: string, target: string, body?: unknown): Promise<RestAnswer> => {
  const answer = await hub.admin(method, target, body === undefined ? {} : { body });
  check.answer(method, target, answer);
  return answer;
};
const statusOf = async (answer: Promise<RestAnswer>): Promise<number> => (await answer).status;

async function joining(): Promise<void> {
  const invite = await byAdmin("POST", "/invites", { max_uses: 3, capabilities: ["translate"] });
  const nonce = String(invite.field("nonce"));
  await byAdmin("GET", "/invites");
  await call("GET", `/join/${nonce}`);
  await call("GET", `/join/${nonce}`, { headers: { accept: "application/json" } });
  const profile = { languages: ["en"], price: { amount: 1.5, currency: "EUR", unit: "h" }, motto: [1, null] };
  const joined = await call("POST", `/join/${nonce}`, { body: { agent_id: "carol", profile } });
  const apiKey = String(joined.field("api_key"));
  await call("POST", "/register", { body: { agent_id: "carol", api_key: apiKey } });
  await call("POST", "/keys/rotate", { token: apiKey });
  expect(await statusOf(byAdmin("DELETE", `/invites/${nonce}`))).toBe(204);
  for (const [method, path] of [
    ["GET", `/join/${nonce}`],
    ["GET", "/join/nobody"],
    ["POST", "/join/nobody"],
  ] as const) {
    const body = method === "POST" ? { body: { agent_id: "dave" } } : {};
    expect([404, 410]).toContain(await statusOf(call(method, path, body)));
  }
}

async function agents(): Promise<void> {
  const profile = { status: "busy", turnaround_min: 5, region: "EU", visibility: "public", team: { red: 1 } };
  await byBob("PATCH", "/profile", profile);
  await byAlice("GET", "/agents?q=bob&status=busy&limit=1");
  await byAlice("GET", "/agents/bob");
  await byAdmin("PUT", "/agents/bob/plan", { plan: "pro" });
  await byBob("GET", "/agents/bob");
  await byAlice("PUT", "/profile/reach/credential", { origin: "https://agent.test", bearer: "secret" });
  await byAlice("GET", "/profile/reach/credential");
  await byAlice("DELETE", "/profile/reach/credential");
  await byAlice("POST", "/blocks", { agent: "carol" });
  await byAlice("GET", "/blocks");
  await byAlice("DELETE", "/blocks/carol");
  expect(await statusOf(byAlice("DELETE", "/agents/bob"))).toBe(403);
  expect(await statusOf(byAdmin("DELETE", "/agents/carol"))).toBe(204);
  expect(await statusOf(byAlice("GET", "/agents/carol"))).toBe(404);
}

async function messages(): Promise<void> {
  const sent = await byAlice("POST", "/send", {
    to: "bob",
    payload: { a: [1] },
    dedupe_key: "d",
    context_id: "c",
    priority: "high",
    ttl_s: 60,
    annotations: { a: "b" },
  });
  const repeat = await byAlice("POST", "/send", { to: "bob", payload: 1, dedupe_key: "d" });
  expect(repeat.field("duplicate")).toBe(true);
  await byAlice("POST", "/send", { to: "bob", payload: "text", content_type: "text/plain" });
  await byAlice("POST", "/send", { to: "bob", payload_base64: "AP8=", sealed: true });
  expect(await statusOf(byAlice("POST", "/send?wait=0.05", { to: "bob", payload: 1 }))).toBe(202);
  expect(await statusOf(byAlice("POST", "/send", { to: "nobody", payload: 1 }))).toBe(404);
  const id = String(sent.field("message_id"));
  const page = await byBob("GET", "/messages?limit=10&ack=manual");
  expect(page.messages()).toHaveLength(4);
  await byBob("POST", "/messages/ack", { cursor: page.field("cursor") });
  expect(await statusOf(byBob("GET", "/messages?cursor=1-999"))).toBe(410);
  await byBob("POST", `/messages/${id}/processed`, { ok: true, note: "done" });
  await byAlice("GET", `/messages/${id}/status`);
  await byAlice("GET", "/messages");
  await byAlice("GET", "/history/bob?limit=2");
  await replies();
  await deadOnes();
}

async function replies(): Promise<void> {
  const asking = byAlice("POST", "/send?wait=20", { to: "bob", payload: "?" });
  const question = (await byBob("GET", "/messages?wait=20")).messages().at(-1);
  await byBob("POST", "/send", { to: "alice", payload: "!", reply_to: question?.id });
  expect(await statusOf(asking)).toBe(200);
}

async function deadOnes(): Promise<void> {
  const sent = await byAlice("POST", "/send", { to: "bob", payload: "fails" });
  const id = String(sent.field("message_id"));
  await byBob("POST", `/messages/${id}/processed`, { ok: false, note: "cannot" });
  const dead = await byAlice("GET", "/messages/dead");
  expect(dead.messages()).toContainEqual(expect.objectContaining({ message_id: id }));
  await byAlice("POST", `/messages/${id}/redrive`);
}

async function channels(): Promise<void> {
  await byAlice("POST", "/channels", { name: "team", description: "of three", private: false });
  expect(await statusOf(byAlice("POST", "/channels", { name: "team" }))).toBe(409);
  await byBob("GET", "/channels?limit=5");
  await byBob("POST", "/channels/team/join");
  await byBob("POST", "/channels/team/send", { payload: "hi" });
  await byBob("GET", "/channels/%23team/history");
  await byAlice("GET", "/channels/team/members");
  await byBob("POST", "/channels/team/leave");
  await byAlice("POST", "/channels/team/members", { members: ["bob"] });
  await byAlice("DELETE", "/channels/team");
}

async function tasks(): Promise<void> {
  const body = { to: "bob", payload: { text: "hello" }, dedupe_key: "once", task_metadata: { urgent: true } };
  const { task_id: id } = JSON.parse((await byAlice("POST", "/tasks", body)).text);
  await byAlice("POST", "/tasks", body);
  const question = {
    payload: "in which language?",
    status: "input_required",
    metadata: { asks: "language" },
  };
  await byBob("POST", `/tasks/${id}/messages`, question);
  await byAlice("POST", `/tasks/${id}/messages`, {
    parts: [{ raw: "AAEC", filename: "a.bin" }, { url: "https://a.test/" }],
  });
  const artifact = { artifact_id: "a", name: "translation", append: true, last_chunk: false };
  await byBob("POST", `/tasks/${id}/messages`, { parts: [{ data: null, media_type: "text/x" }], artifact });
  const follower = await EventStreamClient.open(`${hub.http}/tasks/${id}/events`, { token: alice.token });
  const event = await until("the task", () => follower.events[0]);
  const { status, headers } = follower.response;
  check.answer("GET", "/tasks/{id}/events", { status, headers, text: event.data });
  await byBob("POST", `/tasks/${id}/messages`, { payload: "hallo", status: "completed" });
  await until("the end of the stream", () => follower.hasEnded);
  expect(follower.events.map(({ event: name }) => name)).toEqual(["task", "event"]);
  await byAlice("GET", `/tasks/${id}?history_length=1`);
  await byAlice("GET", "/tasks?include_artifacts=true&limit=5&status=completed&peer=bob");
  const other = JSON.parse((await byAlice("POST", "/tasks", { to: "bob", payload: "wait" })).text);
  await byAlice("POST", `/tasks/${other.task_id}/cancel`, { metadata: { why: "late" } });
  expect(await statusOf(byBob("POST", `/tasks/${id}/messages`, { payload: "more" }))).toBe(409);
}

async function streams(): Promise<void> {
  const client = await EventStreamClient.open(`${hub.http}/messages/stream`, { token: bob.token });
  const { status, headers } = client.response;
  await until("an event", () => client.events[0]);
  check.answer("GET", "/messages/stream", { status, headers, text: client.events[0]?.data ?? "" });
  client.close();
  await byBob("POST", "/tickets");
}

async function overview(): Promise<void> {
  for (const path of ["/stats", "/network", "/context"]) await byAlice("GET", path);
  for (const path of ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"]) await call("GET", path);
}

/** A path of the document, with something in place of its parameters. */
function targetOf(name: string): { method: string; target: string; operation: DocumentedOperation } {
  const [method = "", path = ""] = name.split(" ");
  const document: Document = check.document;
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`no ${name}`);
  return { method, target: path.replace(/\{\w+\}/g, "some"), operation };
}

describe("the OpenAPI document of a running hub", () => {
  test("tells every right answer that its operations give, and no other", async () => {
    await joining();
    await agents();
    await messages();
    await streams();
    await channels();
    await tasks();
    await overview();
    expect(check.unseen()).toEqual([]);
  });

  test("tells who needs a token: those refuse without one and with a wrong one, the others do not ask", async () => {
    let guarded = 0;
    for (const name of check.operations()) {
      const { method, target, operation } = targetOf(name);
      const isOpen = operation.security?.length === 0;
      for (const token of [undefined, "wrong"]) {
        const status = await statusOf(call(method, target, { token }));
        const mayBeNobody = operation.security?.some((one) => Object.keys(one).length === 0) === true;
        if (token !== undefined || !mayBeNobody) expect(status === 401, `${name} ${status}`).toBe(!isOpen);
      }
      if (!isOpen) guarded += 1;
    }
    expect(guarded).toBeGreaterThan(30);
  });

  test("tells what is refused: the operator, wrong bodies, wrong queries", async () => {
    for (const name of check.operations()) {
      const { method, target, operation } = targetOf(name);
      await byAdmin(method, target);
      if (operation.requestBody !== undefined) {
        expect(await statusOf(byAlice(method, target, [1])), name).toBe(400);
        const isOpen = operation.requestBody.content["application/json"]?.schema["$ref"] !== undefined;
        const field = isOpen ? "agent_id" : "no-such-field";
        expect(await statusOf(byAlice(method, target, { [field]: "x" })), name).toBe(400);
      }
      if (operation.parameters?.some((parameter) => parameter.in === "query")) {
        expect(await statusOf(byAlice(method, `${target}?no_such_parameter=1`)), name).toBe(400);
      }
    }
    const large = "x".repeat(3 * 1_048_576);
    expect(await statusOf(byAlice("POST", "/send", { to: "bob", payload: large }))).toBe(413);
  });
});
