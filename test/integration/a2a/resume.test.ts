import { afterAll, beforeAll, expect, it } from "vitest";
import { EventStreamClient } from "../../support/event-stream.ts";
import { until } from "../../support/until.ts";
import { asTask, configured, openStage, type Stage, says, sdkClient } from "./stage.ts";

const RESUME = "https://meshkore.dev/ext/resume/v1";
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(() => stage?.[Symbol.asyncDispose]());

/** Follows a task over HTTP+JSON, as a client does that knows the extension. */
function follow(taskId: string, lastEventId?: string): Promise<EventStreamClient> {
  return EventStreamClient.open(`${stage.hub.http}/a2a/bob/tasks/${taskId}:subscribe`, {
    token: stage.alice.token,
    headers: {
      "a2a-version": "1.0",
      "a2a-extensions": `${RESUME}, https://other.test/x`,
      ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
    },
  });
}

async function newTask(): Promise<string> {
  const client = await sdkClient(`${stage.hub.http}/a2a/bob`, "JSONRPC", stage.alice.token);
  return asTask(await client.sendMessage(configured(says("count"), { returnImmediately: true }))).id;
}

async function pieces(taskId: string, texts: readonly string[]): Promise<void> {
  for (const payload of texts) {
    const artifact = { artifact_id: "a", append: true };
    const answer = await stage.bob.post(`/tasks/${taskId}/messages`, { payload, artifact });
    expect(answer.status).toBe(200);
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

function textsOf(stream: EventStreamClient): string[] {
  return stream.events.flatMap(({ data }) => {
    const parts = JSON.parse(data).artifactUpdate?.artifact.parts ?? [];
    return parts.map(({ text }: { text: string }) => text);
  });
}

it("goes on without a hole or a repeat when the hub was killed in between", async () => {
  const { hub, bob } = stage;
  const taskId = await newTask();
  const first = await follow(taskId);
  expect(first.response.headers.get("a2a-extensions")).toBe(RESUME);
  await pieces(taskId, numbers(1, 20));
  await until("pieces come", () => textsOf(first).length >= 7);
  // What this client took before it lost the hub, whatever it still had under way.
  const had = first.events.slice(0, 8);
  const lastId = had.at(-1)?.id ?? "";
  await hub.kill();
  await hub.start();
  await pieces(taskId, numbers(21, 25));
  const second = await follow(taskId, lastId);
  await pieces(taskId, numbers(26, 30));
  await bob.post(`/tasks/${taskId}/messages`, { status: "completed" });
  await until("the stream ends", () => second.hasEnded);
  const before = { ...first, events: had } as EventStreamClient;
  expect([...textsOf(before), ...textsOf(second)]).toEqual(numbers(1, 30));
  const ids = [...had, ...second.events].map(({ id }) => Number(id));
  expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) + index));
  const last = JSON.parse(second.events.at(-1)?.data ?? "{}").statusUpdate;
  expect(last.status.state).toBe("TASK_STATE_COMPLETED");
  expect(last.metadata[`${RESUME}/sequence`]).toBe(ids.at(-1));
});

it("gives what was missed of a task that has ended, and nothing to who has it all", async () => {
  const taskId = await newTask();
  await pieces(taskId, ["only"]);
  await stage.bob.post(`/tasks/${taskId}/messages`, { payload: "done", status: "completed" });
  const missed = await follow(taskId, "1");
  await until("the stream ends", () => missed.hasEnded);
  expect(textsOf(missed)).toEqual(["only", "done"]);
  const lastId = missed.events.at(-1)?.id ?? "";
  const nothing = await follow(taskId, lastId);
  expect(nothing.response.status).toBe(400);
  const plain = await follow(taskId);
  expect(plain.response.status).toBe(400);
  const odd = await follow(taskId, "x1");
  expect(odd.response.status).toBe(400);
  const future = await follow(taskId, "999");
  expect(future.response.status).toBe(400);
});
