import { createHash } from "node:crypto";
import { StreamResponse } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import type { Task as OldTask } from "a2a-sdk-0.3";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { TestAgent } from "../../support/hub.ts";
import { openPushReceiver, type Pushed, type PushReceiver } from "../../support/push-receiver.ts";
import { startRestWorker, type TaskWorker } from "../../support/task-worker.ts";
import { until } from "../../support/until.ts";
import { openOldClient } from "./old-client.ts";
import {
  asTask,
  BINDINGS,
  configured,
  obedient,
  openStage,
  outline,
  type Stage,
  says,
  sdkClient,
} from "./stage.ts";

const env = { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "60" };
/** What the worker says of the task "stream". */
const STREAM = ["status WORKING", "artifact one ", "artifact two ", "artifact three", "status COMPLETED"];
let stage: Stage;
let byHand: TestAgent;

beforeAll(async () => {
  stage = await openStage({ env });
  byHand = await stage.hub.join("by-hand");
});

afterAll(() => stage?.[Symbol.asyncDispose]());

async function receiver(): Promise<PushReceiver> {
  const opened = await openPushReceiver();
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

/** A config as the official client takes it. */
function config(url: string, more: object = {}) {
  const nothing = { tenant: "", id: "", taskId: "", token: "", authentication: undefined };
  return { ...nothing, url, ...more };
}

/** What came, in the words of the official SDK. */
function told(taken: readonly Pushed[]): string[] {
  return outline(taken.map(({ body }) => StreamResponse.fromJSON(JSON.parse(body))));
}

const now = { returnImmediately: true };
const clientFor = (agent: string, binding: (typeof BINDINGS)[number] = "JSONRPC"): Promise<Client> =>
  sdkClient(`${stage.hub.http}/a2a/${agent}`, binding, stage.alice.token);

/** As the worker that polls when it likes. */
async function workerSays(taskId: string, status: string, more: object = {}): Promise<void> {
  const answer = await byHand.post(`/tasks/${taskId}/messages`, { status, ...more });
  expect(answer.status, answer.text).toBe(200);
}

async function taskByHand(url: string, id = "hook"): Promise<string> {
  const client = await clientFor("by-hand");
  const request = configured(says("wait"), { ...now, taskPushNotificationConfig: config(url, { id }) });
  return asTask(await client.sendMessage(request)).id;
}

describe.each(BINDINGS)("push notifications that the official client asks for on %s", (binding) => {
  let worker: TaskWorker;
  beforeAll(() => {
    worker = startRestWorker(stage.bob, obedient);
  });
  afterAll(async () => {
    await worker[Symbol.asyncDispose]();
    expect(worker.faults).toEqual([]);
  });

  it("with the message: all that the worker says, in order, with the token", async () => {
    const hook = await receiver();
    const client = await clientFor("bob", binding);
    const authentication = { scheme: "Bearer", credentials: "s3cret" };
    const wanted = config(hook.url, { token: "mine", authentication });
    await client.sendMessage(configured(says("stream"), { ...now, taskPushNotificationConfig: wanted }));
    await until("all came", () => hook.taken.length === STREAM.length);
    expect(told(hook.taken)).toEqual(STREAM);
    for (const { headers } of hook.taken) {
      expect(headers).toMatchObject({
        "content-type": "application/a2a+json",
        "x-a2a-notification-token": "mine",
        authorization: "Bearer s3cret",
      });
    }
  });

  it("by the call that is for it, and in the hub's own name where no secret is given", async () => {
    const hook = await receiver();
    const client = await clientFor("by-hand", binding);
    const { id: taskId } = asTask(await client.sendMessage(configured(says("wait"), now)));
    await workerSays(taskId, "working");
    const authentication = { scheme: "Bearer", credentials: "" };
    const set = await client.createTaskPushNotificationConfig(
      config(hook.url, { id: "p1", taskId, authentication }),
    );
    expect(set).toMatchObject({ id: "p1", taskId, url: hook.url });
    const { configs } = await client.listTaskPushNotificationConfig({
      ...{ tenant: "", taskId, pageSize: 10, pageToken: "" },
    });
    expect(configs.map(({ id }) => id)).toEqual(["p1"]);
    await workerSays(taskId, "auth_required");
    await workerSays(taskId, "completed");
    await until("all came", () => hook.taken.length === 2);
    expect(told(hook.taken)).toEqual(["status AUTH_REQUIRED", "status COMPLETED"]);
    const keys = createRemoteJWKSet(new URL(`${stage.hub.http}/.well-known/jwks.json`));
    const seen = new Set<unknown>();
    for (const { headers, body } of hook.taken) {
      const token = headers.authorization?.replace("Bearer ", "") ?? "";
      const { payload } = await jwtVerify(token, keys, {
        issuer: stage.hub.http,
        audience: hook.url,
        requiredClaims: ["exp", "iat", "jti"],
      });
      expect(payload["taskId"]).toBe(taskId);
      expect(payload["request_body_sha256"]).toBe(createHash("sha256").update(body).digest("hex"));
      seen.add(payload.jti);
    }
    expect(seen.size).toBe(2);
  });
});

describe("push notifications in bad weather", () => {
  it("come all, in order and once each, after errors, a refused connection and a killed hub", async () => {
    const hook = await receiver();
    const taskId = await taskByHand(hook.url);
    await workerSays(taskId, "working");
    await until("the first came", () => hook.taken.length === 1);
    hook.status = 503;
    await workerSays(taskId, "auth_required");
    await until("it is tried again", () => hook.refused >= 2);
    await hook.stop();
    await workerSays(taskId, "working");
    await stage.hub.kill();
    await stage.hub.start();
    hook.status = 200;
    await hook.start();
    await workerSays(taskId, "completed");
    await until("the last came", () => told(hook.taken).at(-1) === "status COMPLETED", 30_000);
    const all = ["WORKING", "AUTH_REQUIRED", "WORKING", "COMPLETED"].map((state) => `status ${state}`);
    // What was taken and not yet written down as taken may come once more after the kill.
    const repeated = told(hook.taken)[1] === "status WORKING" ? 1 : 0;
    expect(told(hook.taken).slice(repeated)).toEqual(all);
  });

  it("come no more when the config is deleted", async () => {
    const [hook, other] = [await receiver(), await receiver()];
    const taskId = await taskByHand(hook.url);
    const client = await clientFor("by-hand");
    await client.createTaskPushNotificationConfig(config(other.url, { id: "other", taskId }));
    await workerSays(taskId, "working");
    await until("both know", () => hook.taken.length === 1 && other.taken.length === 1);
    await client.deleteTaskPushNotificationConfig({ tenant: "", taskId, id: "hook" });
    await workerSays(taskId, "completed");
    await until("the other knows", () => other.taken.length === 2);
    expect(hook.taken).toHaveLength(1);
  });

  it("that are given up are dead, with the reason, and come when they are redriven", async () => {
    const hook = await receiver();
    await hook.stop();
    await stage.hub.stop();
    await stage.hub.start({ ...env, MESHKORE_OUTBOUND_GIVE_UP_S: "1" });
    const taskId = await taskByHand(hook.url);
    await workerSays(taskId, "working");
    const letter = await until("it is dead", async () => {
      const { json } = await stage.hub.call("GET", "/messages/dead", { token: stage.alice.token });
      return Object(json).messages.find(({ to }: { to: string }) => to === `push/${taskId}/hook`);
    });
    expect(letter).toMatchObject({
      status: "failed",
      reason: expect.stringMatching(/^127\.0\.0\.1:\d+ .*ECONNREFUSED/),
    });
    await workerSays(taskId, "completed");
    await hook.start();
    const path = `/messages/${letter.message_id}/redrive`;
    const redriven = await stage.hub.call("POST", path, { token: stage.alice.token });
    expect(redriven.status, redriven.text).toBe(202);
    await until("all came", () => hook.taken.length === 2);
    expect(told(hook.taken)).toEqual(["status WORKING", "status COMPLETED"]);
  });
});

describe.each(["JSONRPC", "HTTP+JSON"])(
  "push notifications that the client of 0.3.14 asks for on %s",
  (binding) => {
    const oldClient = (agent: string) =>
      openOldClient(`${stage.hub.http}/a2a/${agent}/`, stage.alice.token, binding);

    it("bring the task, as that version does", async () => {
      const [hook, late] = [await receiver(), await receiver()];
      const client = await oldClient("by-hand");
      const message = {
        ...{ kind: "message" as const, role: "user" as const, messageId: `push-${binding}` },
        parts: [{ kind: "text" as const, text: "wait" }],
      };
      const pushNotificationConfig = { url: hook.url, token: "mine" };
      const sent = await client.sendMessage({
        message,
        configuration: { blocking: false, pushNotificationConfig },
      });
      const taskId = (sent as OldTask).id;
      await client.setTaskPushNotificationConfig({ taskId, pushNotificationConfig: { url: late.url } });
      await workerSays(taskId, "working");
      await until("the first came", () => hook.taken.length === 1);
      await workerSays(taskId, "completed", { payload: "done" });
      await until("all came", () => hook.taken.length === 2 && late.taken.length === 2);
      const tasks: OldTask[] = hook.taken.map((pushed) => JSON.parse(pushed.body));
      expect(tasks).toMatchObject([
        { kind: "task", id: taskId, status: { state: "working" } },
        {
          ...{ kind: "task", id: taskId, status: { state: "completed" } },
          artifacts: [{ parts: [{ kind: "text", text: "done" }] }],
        },
      ]);
      expect(hook.taken[0]?.headers).toMatchObject({
        "content-type": "application/json",
        "x-a2a-notification-token": "mine",
      });
    });
  },
);
