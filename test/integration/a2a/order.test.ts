import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";
import { errorOf, type Method, resultOf, wiresTo } from "./wires.ts";

type Json = Record<string, unknown>;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

const message = (changes: object = {}) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "do it" }], ...changes },
  configuration: { returnImmediately: true },
});

describe.each(wiresTo(() => stage.hub))("over $binding", ({ call }) => {
  const ask = (method: Method, params: object) =>
    call(method, params, { agent: "bob", token: stage.alice.token });
  const send = async (changes: object = {}): Promise<Json> =>
    Object(resultOf(await ask("SendMessage", message(changes)))["task"]);
  const stateOf = (task: Json): string => Object(task["status"]).state;

  async function ended(status: string): Promise<string> {
    const { id } = await send();
    const answer = await stage.bob.post(`/tasks/${id}/messages`, { payload: "so it is", status });
    expect(answer.status, answer.text).toBe(200);
    return String(id);
  }

  describe("an id that was used", () => {
    it("gives the first task for the same message, also with its members in another order", async () => {
      const messageId = randomUUID();
      const parts = [{ data: { a: 1, b: [true, null] }, metadata: { x: "y", z: { n: 1.5 } } }, { text: "t" }];
      const turned = [
        { metadata: { z: { n: 1.5 }, x: "y" }, data: { b: [true, null], a: 1 } },
        { text: "t" },
      ];
      const first = await send({ messageId, parts });
      expect((await send({ messageId, parts }))["id"]).toBe(first["id"]);
      expect((await send({ messageId, parts: turned, contextId: first["contextId"] }))["id"]).toBe(
        first["id"],
      );
    });

    it.each([
      ["parts", { parts: [{ text: "do something else" }] }],
      ["one part more", { parts: [{ text: "do it" }, { text: "" }] }],
      ["metadata", { metadata: { a: 1 } }],
      ["extensions", { extensions: ["https://a.test/x"] }],
      ["references", { referenceTaskIds: [randomUUID()] }],
      ["context", { contextId: randomUUID() }],
    ])("is refused with other %s", async (_name, changes) => {
      const messageId = randomUUID();
      const first = await send({ messageId });
      for (const method of ["SendMessage", "SendStreamingMessage"] as const) {
        const refused = errorOf(await ask(method, message({ messageId, ...changes })));
        expect(refused).toMatchObject({ reason: "INVALID_PARAMS", fields: ["message.messageId"] });
        expect(refused.metadata["hint"]).toContain("id of its own");
      }
      const { history } = resultOf(await ask("GetTask", { id: first["id"] }));
      expect(history).toHaveLength(1);
    });

    it("in a task is a repeat of that turn alone, also when the task has ended", async () => {
      const firstId = randomUUID();
      const { id: taskId, contextId } = await send({ messageId: firstId });
      const messageId = randomUUID();
      await send({ messageId, taskId, parts: [{ text: "and this" }] });
      await stage.bob.post(`/tasks/${taskId}/messages`, { payload: "done", status: "completed" });
      const again = await send({ messageId, taskId, contextId, parts: [{ text: "and this" }] });
      expect([again["id"], stateOf(again)]).toEqual([taskId, "TASK_STATE_COMPLETED"]);
      for (const used of [firstId, messageId]) {
        const other = message({ messageId: used, taskId, parts: [{ text: "and that" }] });
        expect(errorOf(await ask("SendMessage", other))).toMatchObject({ fields: ["message.messageId"] });
      }
    });

    it("is another one to another agent, and by another caller", async () => {
      const messageId = randomUUID();
      const first = await send({ messageId });
      const toAlice = message({ messageId, parts: [{ text: "you" }] });
      const answer = await call("SendMessage", toAlice, { agent: "alice", token: stage.bob.token });
      expect(Object(resultOf(answer)["task"]).id).not.toBe(first["id"]);
    });
  });

  describe("what comes in the wrong order is refused, and changes nothing:", () => {
    it.each(["completed", "failed", "rejected"])("anything to a task that is %s", async (status) => {
      const id = await ended(status);
      const before = resultOf(await ask("GetTask", { id }));
      const reasons: Json = {};
      for (const [method, params] of [
        ["SendMessage", message({ taskId: id })],
        ["SendStreamingMessage", message({ taskId: id })],
        ["SubscribeToTask", { id }],
        ["CancelTask", { id }],
        ["CreateTaskPushNotificationConfig", { taskId: id, url: "http://127.0.0.1:9/" }],
      ] as const) {
        reasons[method] = errorOf(await ask(method, params)).reason;
      }
      expect(reasons).toEqual({
        SendMessage: "UNSUPPORTED_OPERATION",
        SendStreamingMessage: "UNSUPPORTED_OPERATION",
        SubscribeToTask: "UNSUPPORTED_OPERATION",
        CancelTask: "TASK_NOT_CANCELABLE",
        CreateTaskPushNotificationConfig: "UNSUPPORTED_OPERATION",
      });
      expect(resultOf(await ask("GetTask", { id }))).toEqual(before);
    });

    it("a second cancellation is the first one, and its worker is told once", async () => {
      const { id } = await send();
      const first = resultOf(await ask("CancelTask", { id }));
      expect(stateOf(first)).toBe("TASK_STATE_CANCELED");
      expect(resultOf(await ask("CancelTask", { id, metadata: { why: "again" } }))).toEqual(first);
      const late = await stage.bob.post(`/tasks/${id}/messages`, { payload: "done", status: "completed" });
      expect(late.refusal().code).toBe("failed_precondition");
      expect(errorOf(await ask("SendMessage", message({ taskId: id }))).reason).toBe("UNSUPPORTED_OPERATION");
    });

    it("what is asked of a task that nobody gave, or of a config that it has not", async () => {
      const nobodys = randomUUID();
      const reasonOf = async (method: Method, params: object) => errorOf(await ask(method, params)).reason;
      for (const [method, params] of [
        ["GetTask", { id: nobodys }],
        ["CancelTask", { id: nobodys }],
        ["SubscribeToTask", { id: nobodys }],
        ["SendMessage", message({ taskId: nobodys })],
        ["CreateTaskPushNotificationConfig", { taskId: nobodys, url: "http://127.0.0.1:9/" }],
        ["GetTaskPushNotificationConfig", { taskId: nobodys, id: "p" }],
        ["ListTaskPushNotificationConfigs", { taskId: nobodys }],
        ["DeleteTaskPushNotificationConfig", { taskId: nobodys, id: "p" }],
      ] as const) {
        expect([method, await reasonOf(method, params)]).toEqual([method, "TASK_NOT_FOUND"]);
      }
      const { id: taskId } = await send();
      expect(await reasonOf("GetTaskPushNotificationConfig", { taskId, id: "p" })).toBe("TASK_NOT_FOUND");
      // Deleting what is not there is no error: it is as it should be.
      resultOf(await ask("DeleteTaskPushNotificationConfig", { taskId, id: "p" }));
    });

    it("a turn in another context, and one to another agent's task", async () => {
      const { id: taskId } = await send();
      const elsewhere = errorOf(await ask("SendMessage", message({ taskId, contextId: randomUUID() })));
      expect(elsewhere).toMatchObject({ reason: "INVALID_PARAMS", fields: ["message.contextId"] });
      const other = await call("SendMessage", message({ taskId }), {
        agent: "alice",
        token: stage.alice.token,
      });
      expect(errorOf(other).reason).toBe("TASK_NOT_FOUND");
    });

    it("a sequence that the task has not reached", async () => {
      const { id } = await send();
      const headers = { "a2a-version": "1.0", "last-event-id": "99" };
      const answer = await stage.hub.call("GET", `/a2a/bob/tasks/${id}:subscribe`, {
        token: stage.alice.token,
        headers,
      });
      expect(answer.status).toBe(410);
      expect(answer.text).toContain("RESUME_GAP");
    });
  });
});
