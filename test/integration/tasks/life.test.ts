import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
let caller: TestAgent;
let worker: TestAgent;
let stranger: TestAgent;

beforeAll(async () => {
  hub = await startHub();
  [caller, worker, stranger] = [
    await hub.join("caller"),
    await hub.join("worker"),
    await hub.join("stranger"),
  ];
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function give(body: object = {}): Promise<string> {
  const answer = await caller.post("/tasks", { to: "worker", payload: "do it", ...body });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.field("task_id"));
}

async function says(agent: TestAgent, taskId: string, body: object): Promise<Record<string, unknown>> {
  const answer = await agent.post(`/tasks/${taskId}/messages`, body);
  expect(answer.status, answer.text).toBe(200);
  return Object(answer.json);
}

async function inboxOf(agent: TestAgent, taskId: string): Promise<readonly Record<string, unknown>[]> {
  const messages = (await agent.get("/messages?limit=500&ack=manual")).messages();
  return messages.map(Object).filter((message) => message.task_id === taskId);
}

describe("a worker that knows only curl", () => {
  test("takes a task, asks, gets an answer and gives the result", async () => {
    const id = await give();
    const [given] = await until("the task is there", async () => {
      const inbox = await inboxOf(worker, id);
      return inbox.length > 0 && inbox;
    });
    expect(given).toMatchObject({ kind: "TASK", from: "caller", payload: "do it", state: "submitted" });

    expect(await says(worker, id, { payload: "how?", status: "input_required" })).toMatchObject({
      state: "input_required",
      message: { role: "agent", payload: "how?" },
    });
    expect(await says(caller, id, { payload: { quickly: true } })).toMatchObject({ state: "submitted" });
    expect(await says(worker, id, { status: "working" })).toMatchObject({ state: "working" });
    const done = await says(worker, id, { payload: { ok: 1 }, status: "completed" });
    expect(done).toMatchObject({ state: "completed", result: { ok: 1 } });
    expect(Object(done)["history"].map(({ payload }: { payload: unknown }) => payload)).toEqual([
      "do it",
      "how?",
      { quickly: true },
    ]);
    const told = await until("the caller knows", async () => {
      const inbox = await inboxOf(caller, id);
      return inbox.length === 3 && inbox;
    });
    expect(told.map(({ kind, state, from }) => [kind, state, from])).toEqual([
      ["TASK_EVENT", "input_required", "worker"],
      ["TASK_EVENT", "working", "worker"],
      ["TASK_EVENT", "completed", "worker"],
    ]);
    // Of its own making it gets nothing.
    expect((await inboxOf(worker, id)).map(({ from }) => from)).toEqual(["caller", "caller"]);
  });

  test("every JSON value comes back as it was given", async () => {
    for (const payload of [0, "", null, false, [], {}, { a: [null, 1.5, "ü"] }]) {
      const id = await give({ payload });
      const task = await worker.get(`/tasks/${id}`);
      expect(task.field("payload")).toEqual(payload);
      const done = await says(worker, id, { payload, status: "completed" });
      expect(done["result"]).toEqual(payload);
    }
  });

  test("a value that nests too deeply is refused, and leaves nothing", async () => {
    const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect((await caller.post("/tasks", { to: "worker", payload: nested(25) })).status).toBe(201);
    for (const depth of [60, 100]) {
      const answer = await caller.post("/tasks", {
        to: "worker",
        payload: nested(depth),
        context_id: "deep",
      });
      expect([answer.status, Object(answer.json).error.code]).toEqual([400, "invalid_argument"]);
    }
    expect((await caller.get("/tasks?context_id=deep")).field("total")).toBe(0);
  });

  test("bytes, names and metadata are kept", async () => {
    const parts = [
      { raw: Buffer.from("a file").toString("base64"), filename: "a.txt", media_type: "text/plain" },
      { url: "https://files.test/b", metadata: { size: 7, tags: ["x"] } },
      { text: "see both", media_type: "text/markdown" },
    ];
    const id = await give({ payload: undefined, parts, task_metadata: { cost: 1 }, metadata: { turn: 1 } });
    const task = await worker.get(`/tasks/${id}`);
    expect(task.field("parts")).toEqual(parts);
    expect(task.field("payload")).toEqual({ parts });
    expect(task.field("metadata")).toEqual({ cost: 1 });
    expect(Object(task.field("history"))[0].metadata).toEqual({ turn: 1 });
  });
});

describe("a task that ended", () => {
  test.each(["completed", "failed", "rejected", "canceled"])(
    "%s refuses all that comes later",
    async (status) => {
      const id = await give();
      if (status === "canceled") expect((await caller.post(`/tasks/${id}/cancel`)).status).toBe(200);
      else await says(worker, id, { payload: "the end", status });
      const before = await caller.get(`/tasks/${id}`);
      for (const [agent, path, body] of [
        [caller, "messages", { payload: "more" }],
        [worker, "messages", { payload: "more", status: "working" }],
        [worker, "messages", { payload: "more", artifact: {} }],
        [caller, "cancel", {}],
      ] as const) {
        const answer = await agent.post(`/tasks/${id}/${path}`, body);
        const isRepeat = status === "canceled" && path === "cancel";
        expect(answer.status, `${path} ${JSON.stringify(body)}`).toBe(isRepeat ? 200 : 409);
      }
      expect((await caller.get(`/tasks/${id}`)).json).toEqual(before.json);
    },
  );

  test("a repeat of the end by its key is no refusal", async () => {
    const id = await give();
    const end = { payload: "done", status: "completed", dedupe_key: "the-end" };
    const first = await says(worker, id, end);
    expect(await says(worker, id, end)).toEqual(first);
  });
});

describe("others", () => {
  test("see nothing, change nothing and learn nothing", async () => {
    const id = await give();
    for (const taskId of [id, "00000000-0000-4000-8000-000000000000", "none"]) {
      const refusals = [
        await stranger.get(`/tasks/${taskId}`),
        await stranger.post(`/tasks/${taskId}/messages`, { payload: "x" }),
        await stranger.post(`/tasks/${taskId}/cancel`),
        await stranger.get(`/tasks/${taskId}/events`),
      ];
      expect(refusals.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
      expect(new Set(refusals.map(({ json }) => Object(json).error.message))).toEqual(
        new Set(["no such task"]),
      );
    }
    expect((await stranger.get("/tasks")).field("tasks")).toEqual([]);
    expect((await worker.post(`/tasks/${id}/cancel`)).status).toBe(403);
  });

  test("who is blocked gives no tasks", async () => {
    expect((await worker.post("/blocks", { agent: "stranger" })).status).toBe(201);
    const answer = await stranger.post("/tasks", { to: "worker", payload: "x" });
    expect([answer.status, Object(answer.json).error.code]).toEqual([403, "permission_denied"]);
    expect((await stranger.post("/tasks", { to: "nobody", payload: "x" })).status).toBe(404);
  });
});

describe("agents that leave", () => {
  test("end what they took and what they gave; erased ones leave the task and its end", async () => {
    const [a, b] = [await hub.join("leaver"), await hub.join("stayer")];
    const taken = await b.post("/tasks", { to: "leaver", payload: "by stayer" });
    const given = await a.post("/tasks", { to: "stayer", payload: "by leaver" });
    const finished = await b.post("/tasks", { to: "leaver", payload: "quick" });
    await says(a, String(finished.field("task_id")), { payload: "secret result", status: "completed" });
    const erased = await hub.admin("DELETE", "/agents/leaver");
    expect(erased.status).toBe(204);
    const stateOf = async (id: unknown) => (await b.get(`/tasks/${String(id)}`)).field("state");
    await until("both have ended", async () => {
      const states = [await stateOf(taken.field("task_id")), await stateOf(given.field("task_id"))];
      return states.join() === "failed,canceled";
    });
    expect(await stateOf(finished.field("task_id"))).toBe("completed");
  });
});
