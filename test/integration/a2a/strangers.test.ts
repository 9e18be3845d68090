import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestAgent } from "../../support/hub.ts";
import { openStage, type Stage } from "./stage.ts";
import { errorOf, type Method, resultOf, wiresTo } from "./wires.ts";

let stage: Stage;
let carol: TestAgent;
/** Of alice to bob, with a push notification config. */
let taskId: string;
/** Alike, and over. */
let endedId: string;
const URL_OF_PUSH = "http://127.0.0.1:9/";

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
  carol = await stage.hub.join("carol");
  [taskId, endedId] = [await give(), await give()];
  await stage.bob.post(`/tasks/${endedId}/messages`, { payload: "the secret", status: "completed" });
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

async function give(): Promise<string> {
  const [wire] = wiresTo(() => stage.hub);
  const call = { agent: "bob", token: stage.alice.token };
  const sent = await wire?.call("SendMessage", message({}), call);
  const { id } = Object(resultOf(sent ?? {})["task"]);
  const push = { taskId: id, id: "p", url: URL_OF_PUSH, token: "secret" };
  resultOf((await wire?.call("CreateTaskPushNotificationConfig", push, call)) ?? {});
  return id;
}

const message = (changes: object) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "the secret" }], ...changes },
  configuration: { returnImmediately: true },
});

const OPERATIONS: readonly (readonly [Method, (id: string) => object])[] = [
  ["GetTask", (id) => ({ id })],
  ["CancelTask", (id) => ({ id })],
  ["SubscribeToTask", (id) => ({ id })],
  ["SendMessage", (id) => message({ taskId: id })],
  ["SendStreamingMessage", (id) => message({ taskId: id })],
  ["CreateTaskPushNotificationConfig", (id) => ({ taskId: id, url: URL_OF_PUSH })],
  ["GetTaskPushNotificationConfig", (id) => ({ taskId: id, id: "p" })],
  ["ListTaskPushNotificationConfigs", (id) => ({ taskId: id })],
  ["DeleteTaskPushNotificationConfig", (id) => ({ taskId: id, id: "p" })],
];

describe.each(wiresTo(() => stage.hub))("over $binding a task of others", ({ call }) => {
  it.each(OPERATIONS)("is to %s as one that is not there", async (method, paramsFor) => {
    const told = async (id: string, by: TestAgent | undefined, agent = "bob") =>
      errorOf(await call(method, paramsFor(id), { agent, token: by?.token }));
    const missing = await told(randomUUID(), carol);
    expect(missing.reason).toBe("TASK_NOT_FOUND");
    for (const id of [taskId, endedId]) {
      expect(await told(id, carol)).toEqual(missing);
      // At the address of another agent it is not there for its own caller and its worker either.
      for (const by of [stage.alice, stage.bob]) expect(await told(id, by, "carol")).toEqual(missing);
      expect(await told(id, carol, "carol")).toEqual(missing);
    }
    // A stranger is asked who it is, whatever there is, and whoever is asked for.
    const stranger = await told(randomUUID(), undefined);
    expect(stranger.reason).toBe("UNAUTHENTICATED");
    for (const agent of ["bob", "carol", "nobody"]) {
      expect(await told(taskId, undefined, agent)).toEqual(stranger);
    }
    const agentless = await told(taskId, carol, "nobody");
    expect(agentless).toEqual(await told(randomUUID(), carol, "nobody"));
  });

  it("is listed for nobody else, and of its notifications its worker sees nothing", async () => {
    const listed = await call("ListTasks", {}, { agent: "bob", token: carol.token });
    expect(resultOf(listed)).toMatchObject({ tasks: [], totalSize: 0 });
    const { bob } = stage;
    const byWorker = { agent: "bob", token: bob.token };
    expect(resultOf(await call("GetTask", { id: taskId }, byWorker))).toMatchObject({ id: taskId });
    for (const [method, paramsFor] of OPERATIONS.filter(([name]) => name.includes("Push"))) {
      const refused = errorOf(await call(method, paramsFor(taskId), byWorker));
      expect(refused).toEqual(errorOf(await call(method, paramsFor(randomUUID()), byWorker)));
    }
  });

  it("is as it was after all of that", async () => {
    const byCaller = { agent: "bob", token: stage.alice.token };
    const task = resultOf(await call("GetTask", { id: taskId }, byCaller));
    expect(task).toMatchObject({ status: { state: "TASK_STATE_SUBMITTED" }, history: [{}] });
    const { configs } = resultOf(await call("ListTaskPushNotificationConfigs", { taskId }, byCaller));
    expect(configs).toMatchObject([{ id: "p", url: URL_OF_PUSH }]);
  });
});

describe("in the words of 0.3 a task of others is as one that is not there", () => {
  const oldMessage = (id: string) => ({
    message: {
      ...{ kind: "message", messageId: randomUUID(), role: "user", taskId: id },
      parts: [{ kind: "text", text: "x" }],
    },
  });

  it.each([
    ["tasks/get", (id: string) => ({ id })],
    ["tasks/cancel", (id: string) => ({ id })],
    ["tasks/resubscribe", (id: string) => ({ id })],
    ["message/send", oldMessage],
    ["message/stream", oldMessage],
    [
      "tasks/pushNotificationConfig/set",
      (id: string) => ({ taskId: id, pushNotificationConfig: { url: URL_OF_PUSH } }),
    ],
    ["tasks/pushNotificationConfig/get", (id: string) => ({ id, pushNotificationConfigId: "p" })],
    ["tasks/pushNotificationConfig/get", (id: string) => ({ id })],
    ["tasks/pushNotificationConfig/list", (id: string) => ({ id })],
    ["tasks/pushNotificationConfig/delete", (id: string) => ({ id, pushNotificationConfigId: "p" })],
  ] as const)("%s", async (method, paramsFor) => {
    const told = async (id: string, token: string | undefined) => {
      const body = { jsonrpc: "2.0", id: 1, method, params: paramsFor(id) };
      const answer = await stage.hub.call("POST", "/a2a/bob", { token, body });
      expect(answer.headers.get("content-type")).toBe("application/json");
      return [answer.status, answer.text];
    };
    for (const token of [carol.token, undefined]) {
      const missing = await told(randomUUID(), token);
      expect(missing[1]).toContain(token === undefined ? "UNAUTHENTICATED" : "TASK_NOT_FOUND");
      for (const id of [taskId, endedId]) expect(await told(id, token)).toEqual(missing);
    }
  });

  it.each([
    ["GET", (id: string) => `/tasks/${id}`],
    ["POST", (id: string) => `/tasks/${id}:cancel`],
    ["GET", (id: string) => `/tasks/${id}:subscribe`],
    ["GET", (id: string) => `/tasks/${id}/pushNotificationConfigs`],
    ["GET", (id: string) => `/tasks/${id}/pushNotificationConfigs/p`],
    ["DELETE", (id: string) => `/tasks/${id}/pushNotificationConfigs/p`],
  ])("%s %s", async (verb, pathOf) => {
    const told = async (id: string) => {
      const answer = await stage.hub.call(verb, `/a2a/bob/v1${pathOf(id)}`, { token: carol.token });
      return [answer.status, answer.text];
    };
    const missing = await told(randomUUID());
    expect(missing[1]).toContain("TASK_NOT_FOUND");
    for (const id of [taskId, endedId]) expect(await told(id)).toEqual(missing);
  });
});
