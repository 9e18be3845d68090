import { randomBytes, randomUUID } from "node:crypto";
import type { Client } from "@a2a-js/sdk/client";
import {
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from "@a2a-js/sdk/client";
import { TaskNotCancelableError, TaskNotFoundError } from "@a2a-js/sdk/errors";
import type { Message, MessageSendParams, Task } from "a2a-sdk-0.3";
import * as old from "a2a-sdk-0.3/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRestWorker, type TaskWorker } from "../../support/task-worker.ts";
import { openOldClient } from "./old-client.ts";
import {
  asTask,
  collect,
  configured,
  fetchWith,
  obedient,
  openStage,
  outline,
  type Stage,
  says,
  stateName,
  textOf,
} from "./stage.ts";

let stage: Stage;
let worker: TaskWorker;

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
  worker = startRestWorker(stage.bob, obedient);
});

afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  expect(worker.faults).toEqual([]);
  await stage?.[Symbol.asyncDispose]();
});

describe.each(["JSONRPC", "HTTP+JSON"])("the client of 0.3.14 on %s", (binding) => {
  let client: old.Client;

  beforeAll(async () => {
    client = await openOldClient(`${stage.hub.http}/a2a/bob/`, stage.alice.token, binding);
  });

  it("reads the card at the path that it knows", async () => {
    const card = await client.getAgentCard();
    expect(card).toMatchObject({ name: "Bob", protocolVersion: "0.3.0", preferredTransport: "JSONRPC" });
    expect(card.skills.map(({ id }) => id)).toEqual(["echo"]);
  });

  it("gets an answer in one call", async () => {
    const task = (await client.sendMessage(oldSays("echo hello"))) as Task;
    expect(task).toMatchObject({ kind: "task", status: { state: "completed" } });
    expect(task.artifacts?.[0]?.parts).toEqual([expect.objectContaining({ kind: "text", text: "hello" })]);
    expect(task.history?.[0]).toMatchObject({ kind: "message", role: "user" });
  });

  it("streams, with a final status at the end", async () => {
    const kinds: string[] = [];
    let last: unknown;
    for await (const event of client.sendMessageStream(oldSays("stream"))) {
      kinds.push(event.kind);
      last = event;
    }
    const pieces = Array(3).fill("artifact-update");
    expect(kinds).toEqual(["task", "status-update", ...pieces, "status-update"]);
    expect(last).toMatchObject({ kind: "status-update", final: true, status: { state: "completed" } });
  });

  it("takes turns when the worker asks back", async () => {
    const asked = (await client.sendMessage(oldSays("ask"))) as Task;
    expect(asked.status.state).toBe("input-required");
    expect(asked.status.message?.parts).toEqual([expect.objectContaining({ text: "which one?" })]);
    const done = (await client.sendMessage(oldSays("that", { taskId: asked.id }))) as Task;
    expect(done).toMatchObject({ id: asked.id, status: { state: "completed" } });
  });

  it("sends and gets back a file and data", async () => {
    const bytes = randomBytes(200_000).toString("base64");
    const params = oldSays("return");
    params.message.parts.push(
      { kind: "file", file: { bytes, name: "noise.bin", mimeType: "application/octet-stream" } },
      { kind: "file", file: { uri: "https://files.test/x", mimeType: "text/plain" } },
      { kind: "data", data: { a: [1, { b: null }], c: "x" } },
    );
    const task = (await client.sendMessage(params)) as Task;
    const [file, link, data] = task.artifacts?.[0]?.parts ?? [];
    expect(file).toMatchObject({ kind: "file", file: { bytes, mimeType: "application/octet-stream" } });
    expect(link).toMatchObject({ kind: "file", file: { uri: "https://files.test/x" } });
    expect(data).toMatchObject({ kind: "data", data: { a: [1, { b: null }], c: "x" } });
  });

  it("cancels, follows and is refused", async () => {
    const params = oldSays("wait");
    const task = (await client.sendMessage({ ...params, configuration: { blocking: false } })) as Task;
    expect(task.status.state).toBe("submitted");
    const follow = client.resubscribeTask({ id: task.id });
    expect((await follow.next()).value).toMatchObject({ kind: "task", id: task.id });
    expect((await client.cancelTask({ id: task.id })).status.state).toBe("canceled");
    expect((await follow.next()).value).toMatchObject({ kind: "status-update", final: true });
    await expect(client.getTask({ id: randomUUID() })).rejects.toBeInstanceOf(old.TaskNotFoundError);
  });

  it("keeps where notifications go", async () => {
    const params = { ...oldSays("wait"), configuration: { blocking: false } };
    const { id: taskId } = (await client.sendMessage(params)) as Task;
    const pushNotificationConfig = { id: "p1", url: "http://127.0.0.1:9/hook", token: "t" };
    const set = await client.setTaskPushNotificationConfig({ taskId, pushNotificationConfig });
    expect(set).toMatchObject({ taskId, pushNotificationConfig });
    const wanted = { id: taskId, pushNotificationConfigId: "p1" };
    const got = await client.getTaskPushNotificationConfig(wanted);
    expect(got).toMatchObject({ taskId, pushNotificationConfig });
    expect(await client.listTaskPushNotificationConfig({ id: taskId })).toHaveLength(1);
    await client.deleteTaskPushNotificationConfig({ id: taskId, pushNotificationConfigId: "p1" });
    expect(await client.listTaskPushNotificationConfig({ id: taskId })).toEqual([]);
  });
});

describe.each(["JSONRPC", "HTTP+JSON"])("the client of 1.3 in its ways of 0.3 on %s", (binding) => {
  let client: Client;

  beforeAll(async () => {
    const fetchImpl = fetchWith(stage.alice.token);
    const legacyCompat = { enabled: true };
    const factory = new ClientFactory(
      ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
        transports: [
          new JsonRpcTransportFactory({ fetchImpl, legacyCompat }),
          new RestTransportFactory({ fetchImpl, legacyCompat }),
        ],
        preferredTransports: [binding],
        cardResolver: new DefaultAgentCardResolver({ fetchImpl, legacyCompat }),
      }),
    );
    client = await factory.createFromUrl(`${stage.hub.http}/a2a/bob/`, ".well-known/agent.json");
    expect(client.protocolVersion).toBe("0.3");
  });

  it("does what it can do", async () => {
    const done = asTask(await client.sendMessage(says("echo hello")));
    expect(textOf(done.artifacts[0])).toBe("hello");
    const items = await collect(client.sendMessageStream(says("ask")));
    expect(outline(items).at(-1)).toMatch(/INPUT_REQUIRED$/);
    const waiting = asTask(await client.sendMessage(configured(says("wait"), { returnImmediately: true })));
    const canceled = await client.cancelTask({ tenant: "", id: waiting.id, metadata: undefined });
    expect(stateName(canceled.status?.state)).toBe("CANCELED");
    const again = client.cancelTask({ tenant: "", id: done.id, metadata: undefined });
    await expect(again).rejects.toBeInstanceOf(TaskNotCancelableError);
    const unknown = client.getTask({ tenant: "", id: randomUUID(), historyLength: undefined });
    await expect(unknown).rejects.toBeInstanceOf(TaskNotFoundError);
  });

  it("gets the extended card", async () => {
    expect((await client.getAgentCard()).description).toContain("Status: available");
  });
});

it("tells who mixes the versions up what to do", async () => {
  const { hub, alice } = stage;
  const call = async (method: string, version: string) => {
    const answer = await hub.call("POST", "/a2a/bob", {
      token: alice.token,
      headers: { "a2a-version": version },
      body: { jsonrpc: "2.0", id: 7, method, params: {} },
    });
    return Object(answer.field("error"));
  };
  expect(await call("SendMessage", "")).toMatchObject({ code: -32601 });
  expect(await call("message/send", "1.0")).toMatchObject({ code: -32601 });
  expect(await call("SendMessage", "2.0")).toMatchObject({ code: -32009 });
  expect(await call("SendMessage", "1.0.7")).toMatchObject({ code: -32602 });
  expect(await call("message/send", "0.3")).toMatchObject({ code: -32602 });
});

function oldSays(text: string, rest: Partial<Message> = {}): MessageSendParams {
  const message: Message = {
    kind: "message",
    messageId: randomUUID(),
    role: "user",
    parts: [{ kind: "text", text }],
    ...rest,
  };
  return { message };
}
