import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import type { Principal, TaskApi, TaskNews, TaskSubscription } from "../../../src/adapter-kit.ts";
import { Role, SendMessageRequestSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { TaskEventSchema, TaskSchema, TaskState } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import type { Asked } from "../asked.ts";
import { createSending, type SendingDeps } from "../sending.ts";

const ID = "9c5f0f6e-0c55-4f0e-9d9c-3a5f0b1c2d3e";
const EVENTS = [TaskState.SUBMITTED, TaskState.WORKING, TaskState.COMPLETED].map((state, index) => {
  const sequence = index + 1;
  return { event: create(TaskEventSchema, { taskId: ID, contextId: "c", status: { state } }), sequence };
});

/** A task whose worker has done everything between the caller's message and its following. */
const quickWorker: Pick<TaskApi, "create" | "say" | "subscribe"> = {
  create: async () => ({ task: taskAfter(1), duplicate: false }),
  say: async () => taskAfter(1),
  async subscribe(_call, _id, after): Promise<TaskSubscription> {
    if (after === undefined) return subscriptionOf([{ task: taskAfter(3), sequence: 3 }]);
    return subscriptionOf(EVENTS.filter(({ sequence }) => sequence > after));
  },
};

function taskAfter(sequence: number) {
  const state = EVENTS[sequence - 1]?.event.status?.state ?? TaskState.UNSPECIFIED;
  return create(TaskSchema, { id: ID, contextId: "c", status: { state }, sequence: BigInt(sequence) });
}

function subscriptionOf(news: readonly TaskNews[]): TaskSubscription {
  const left = news.values();
  return {
    next: async () => left.next(),
    [Symbol.asyncIterator]() {
      return this;
    },
    close: () => undefined,
  };
}

it("streams all that comes of a message, however fast the worker is", async () => {
  const deps: Partial<SendingDeps> = {
    tasks: quickWorker as TaskApi,
    checkTypes: async () => undefined,
    pushFor: () => undefined,
  };
  const principal = { kind: "agent", agentId: "alice" } as Principal;
  const call = { principal, signal: new AbortController().signal, remoteAddress: "127.0.0.1" };
  const asked: Asked = { call, base: "bob", version: "1.0", extensions: new Set(), after: undefined };
  const message = { messageId: "m", role: Role.USER, parts: [{ content: { case: "text", value: "go" } }] };
  const request = create(SendMessageRequestSchema, { message } as object);
  const items = await createSending(deps as SendingDeps).sendStreamingMessage(asked, request);
  const seen: unknown[] = [];
  for await (const { response, sequence } of items) seen.push([response.payload.case, sequence]);
  expect(seen).toEqual([
    ["task", 1],
    ["statusUpdate", 2],
    ["statusUpdate", 3],
  ]);
});
