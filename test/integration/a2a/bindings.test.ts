import { randomBytes, randomUUID } from "node:crypto";
import { TaskState } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import { TaskNotCancelableError, TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRestWorker, startSocketWorker, type TaskWorker } from "../../support/task-worker.ts";
import { until } from "../../support/until.ts";
import {
  asTask,
  BINDINGS,
  collect,
  configured,
  nextItem,
  obedient,
  openStage,
  outline,
  type Stage,
  says,
  sdkClient,
  stateName,
  textOf,
} from "./stage.ts";

let stage: Stage;
const workers: TaskWorker[] = [];

beforeAll(async () => {
  stage = await openStage();
  const sock = await stage.hub.join("sock");
  workers.push(startRestWorker(stage.bob, obedient));
  workers.push(await startSocketWorker(stage.hub, sock, obedient));
});

afterAll(async () => {
  for (const worker of workers) {
    await worker[Symbol.asyncDispose]();
    expect(worker.faults).toEqual([]);
  }
  await stage?.[Symbol.asyncDispose]();
});

const MATRIX = BINDINGS.flatMap((binding) => ["bob", "sock"].map((worker) => [binding, worker] as const));

describe.each(MATRIX)("the official client on %s, worker %s", (binding, worker) => {
  let client: Client;

  beforeAll(async () => {
    client = await sdkClient(`${stage.hub.http}/a2a/${worker}`, binding, stage.alice.token);
  });

  it("gets an answer in one call", async () => {
    const task = asTask(await client.sendMessage(says("echo hello")));
    expect(stateName(task.status?.state)).toBe("COMPLETED");
    expect(textOf(task.artifacts[0])).toBe("hello");
    expect(textOf(task.history[0])).toBe("echo hello");
  });

  it("streams a task from its beginning to its end", async () => {
    const items = await collect(client.sendMessageStream(says("stream")));
    // However fast the worker is: the task as the message made it, and everything since.
    expect(outline(items)).toEqual([
      "task SUBMITTED",
      "status WORKING",
      "artifact one ",
      "artifact two ",
      "artifact three",
      "status COMPLETED",
    ]);
    const task = asTask(await client.getTask({ tenant: "", id: taskIdOf(items), historyLength: undefined }));
    expect(task.artifacts.map(textOf)).toEqual(["one two three"]);
  });

  it("takes turns when the worker asks back", async () => {
    const asked = asTask(await client.sendMessage(says("ask")));
    expect(stateName(asked.status?.state)).toBe("INPUT_REQUIRED");
    expect(textOf(asked.status?.message)).toBe("which one?");
    const { id: taskId, contextId } = asked;
    const done = asTask(await client.sendMessage(says("the red one", { taskId, contextId })));
    expect(done.id).toBe(taskId);
    expect(stateName(done.status?.state)).toBe("COMPLETED");
    expect(textOf(done.artifacts[0])).toBe("got the red one");
    expect(done.history.map(textOf)).toEqual(["ask", "which one?", "the red one"]);
  });

  it("ends a stream when the worker asks back, and goes on with a stream", async () => {
    const items = await collect(client.sendMessageStream(says("ask")));
    expect(outline(items).at(-1)).toMatch(/INPUT_REQUIRED$/);
    const next = await collect(client.sendMessageStream(says("go", { taskId: taskIdOf(items) })));
    expect(outline(next).at(-1)).toMatch(/COMPLETED$/);
  });

  it("is told of a failure", async () => {
    const task = asTask(await client.sendMessage(says("fail")));
    expect(stateName(task.status?.state)).toBe("FAILED");
    expect(textOf(task.status?.message)).toBe("it broke");
  });

  it("sends and gets back a file of 200 KB", async () => {
    const bytes = randomBytes(200_000);
    const request = says("return");
    const file = { content: { $case: "raw" as const, value: bytes }, metadata: undefined };
    request.message?.parts.push({ ...file, filename: "noise.bin", mediaType: "application/octet-stream" });
    const task = asTask(await client.sendMessage(request));
    const [part] = task.artifacts[0]?.parts ?? [];
    expect(part).toMatchObject({ filename: "noise.bin", mediaType: "application/octet-stream" });
    expect(part?.content?.$case).toBe("raw");
    expect(Buffer.from(part?.content?.value as Uint8Array).equals(bytes)).toBe(true);
  });

  it("cancels, twice too, but not what has ended", async () => {
    const task = asTask(await client.sendMessage(configured(says("wait"), { returnImmediately: true })));
    const canceled = await client.cancelTask({ tenant: "", id: task.id, metadata: undefined });
    expect(stateName(canceled.status?.state)).toBe("CANCELED");
    const again = await client.cancelTask({ tenant: "", id: task.id, metadata: undefined });
    expect(stateName(again.status?.state)).toBe("CANCELED");
    const ended = asTask(await client.sendMessage(says("echo x")));
    const refused = client.cancelTask({ tenant: "", id: ended.id, metadata: undefined });
    await expect(refused).rejects.toBeInstanceOf(TaskNotCancelableError);
  });

  it("follows a task that somebody else's stream follows too", async () => {
    const task = asTask(await client.sendMessage(configured(says("work"), { returnImmediately: true })));
    const subscribe = () => client.resubscribeTask({ tenant: "", id: task.id });
    const streams = [subscribe(), subscribe()];
    const firsts = await Promise.all(streams.map(nextItem));
    expect(firsts.map(({ payload }) => payload?.$case)).toEqual(["task", "task"]);
    const rest = streams.map(collect);
    await client.cancelTask({ tenant: "", id: task.id, metadata: undefined });
    const [one, other] = (await Promise.all(rest)).map(outline);
    expect(one?.at(-1)).toBe("status CANCELED");
    expect(other?.slice(-1)).toEqual(one?.slice(-1));
    await expect(collect(subscribe())).rejects.toBeInstanceOf(UnsupportedOperationError);
  });

  it("refuses a message to a task that has ended, and a task that is not there", async () => {
    const ended = asTask(await client.sendMessage(says("echo x")));
    const late = client.sendMessage(says("more", { taskId: ended.id }));
    await expect(late).rejects.toBeInstanceOf(UnsupportedOperationError);
    const strange = client.sendMessage(says("more", { taskId: randomUUID() }));
    await expect(strange).rejects.toBeInstanceOf(TaskNotFoundError);
    const got = client.getTask({ tenant: "", id: randomUUID(), historyLength: undefined });
    await expect(got).rejects.toBeInstanceOf(TaskNotFoundError);
  });

  it("gives the first task again when a message is sent again", async () => {
    const request = says("echo once");
    const first = asTask(await client.sendMessage(request));
    const second = asTask(await client.sendMessage(request));
    expect(second.id).toBe(first.id);
  });

  it("lists tasks page by page, latest first", async () => {
    const contextId = `c-${binding}-${worker}`;
    for (const text of ["echo 1", "echo 2", "echo 3"]) await client.sendMessage(says(text, { contextId }));
    const page = (pageToken: string, includeArtifacts?: boolean) =>
      client.listTasks({
        ...{ tenant: "", contextId, status: TaskState.TASK_STATE_UNSPECIFIED, pageSize: 2, pageToken },
        ...{ historyLength: undefined, statusTimestampAfter: undefined, includeArtifacts },
      });
    const first = await page("");
    expect(first.tasks.map(({ history }) => textOf(history[0]))).toEqual(["echo 3", "echo 2"]);
    expect(first.tasks.map(({ artifacts }) => artifacts)).toEqual([[], []]);
    expect(first.totalSize).toBe(3);
    const second = await page(first.nextPageToken, true);
    expect(second.tasks.map(({ artifacts }) => textOf(artifacts[0]))).toEqual(["1"]);
    expect(second.nextPageToken).toBe("");
  });

  it("gets as much of the history as it wants", async () => {
    const { id } = asTask(await client.sendMessage(says("ask")));
    await client.sendMessage(says("this", { taskId: id }));
    const some = await client.getTask({ tenant: "", id, historyLength: 1 });
    expect(some.history.map(textOf)).toEqual(["this"]);
    const none = await client.getTask({ tenant: "", id, historyLength: 0 });
    expect(none.history).toEqual([]);
  });

  it("gets the extended card", async () => {
    const card = await client.getAgentCard();
    expect(card.description).toContain("Status: available");
  });
});

it("keeps a task for a worker that is away", async () => {
  const { hub, alice } = stage;
  const late = await hub.join("late");
  const client = await sdkClient(`${hub.http}/a2a/late`, "JSONRPC", alice.token);
  const stream = client.sendMessageStream(says("echo at last"));
  expect(outline([await nextItem(stream)])).toEqual(["task SUBMITTED"]);
  const rest = collect(stream);
  const worker = startRestWorker(late, obedient);
  expect(outline(await rest)).toEqual(["artifact at last", "status COMPLETED"]);
  await worker[Symbol.asyncDispose]();
  expect(worker.faults).toEqual([]);
  await until("the task is over", async () => (await alice.get("/tasks?peer=late")).status === 200);
});

function taskIdOf(items: Awaited<ReturnType<typeof collect>>): string {
  const [first] = items;
  if (first?.payload?.$case !== "task") throw new Error("the stream does not begin with the task");
  return first.payload.value.id;
}
