import { create, equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEvent, emptyTask, viewOfTask } from "../../../../src/core/tasks/fold.ts";
import type { StoredTaskEvent } from "../../../../src/core/tasks/task-events.ts";
import { type TaskEvent, TaskEventSchema, TaskSchema } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import { EMPTY_HEADER } from "../../../../src/model/envelope.ts";
import { isTerminal, stateOf } from "../../../../src/model/task.ts";
import { artifact, message, status } from "./arbitraries.ts";

const FACTS = { taskId: "t", contextId: "c", caller: "alice", worker: "bob", createdUnixMs: 5 };

const event: fc.Arbitrary<TaskEvent> = fc
  .record({
    message: fc.option(message, { nil: undefined }),
    artifact: fc.option(fc.record({ artifact, append: fc.boolean(), lastChunk: fc.boolean() }), {
      nil: undefined,
    }),
    status: fc.option(status, { nil: undefined }),
  })
  .map((fields) =>
    create(TaskEventSchema, Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined))),
  );

function fold(events: readonly TaskEvent[]) {
  const task = emptyTask(FACTS);
  for (const [index, one] of events.entries()) applyEvent(task, stored(one, index + 1));
  return task;
}

function stored(one: TaskEvent, sequence: number): StoredTaskEvent {
  return { event: structuredClone(one), header: EMPTY_HEADER, sequence };
}

describe("a task of its events", () => {
  test("what comes behind the end changes nothing but the sequence", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const end = events.findIndex((one) => one.status !== undefined && isTerminal(one.status.state));
        const task = fold(events);
        expect(task.sequence).toBe(BigInt(events.length));
        if (end === -1) return;
        const atEnd = fold(events.slice(0, end + 1));
        expect(equals(TaskSchema, { ...task, sequence: 0n }, { ...atEnd, sequence: 0n })).toBe(true);
      }),
    );
  });

  test("keeps every message once, in order, and the last status", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const end = events.findIndex((one) => one.status !== undefined && isTerminal(one.status.state));
        const open = end === -1 ? events : events.slice(0, end + 1);
        const said = open
          .flatMap((one) => [one.message, one.status?.message])
          .filter((one) => one !== undefined);
        const task = fold(events);
        const now = task.status?.message;
        const kept = [...task.history, ...(now === undefined ? [] : [now])];
        expect(kept.map(({ messageId }) => messageId)).toEqual(said.map(({ messageId }) => messageId));
        const last = open.findLast((one) => one.status !== undefined)?.status;
        expect(stateOf(task)).toBe(last?.state ?? 0);
      }),
    );
  });

  test("an artifact has the parts since its last whole one", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const open = events.slice(0, firstEnd(events) + 1 || events.length);
        const expected = new Map<string, number>();
        for (const { artifact: update } of open) {
          if (update?.artifact === undefined) continue;
          const { artifactId, parts } = update.artifact;
          expected.set(artifactId, parts.length + (update.append ? (expected.get(artifactId) ?? 0) : 0));
        }
        const kept = fold(events).artifacts.map(({ artifactId, parts }) => [artifactId, parts.length]);
        expect(new Map(kept as [string, number][])).toEqual(expected);
      }),
    );
  });

  test("a view does not grow with the task, and shows the latest of the history", () => {
    const say = (messageId: string) => create(TaskEventSchema, { message: { messageId } });
    const piece = (append: boolean) =>
      create(TaskEventSchema, {
        artifact: { append, artifact: { artifactId: "a", parts: [{ filename: "f" }] } },
      });
    const task = fold([say("1"), say("2"), piece(false)]);
    const view = viewOfTask(task, 1);
    applyEvent(task, stored(say("3"), 4));
    applyEvent(task, stored(piece(true), 5));
    expect(view.history.map(({ messageId }) => messageId)).toEqual(["2"]);
    expect(view.artifacts[0]?.parts).toHaveLength(1);
    expect(viewOfTask(task).artifacts[0]?.parts).toHaveLength(2);
    expect(viewOfTask(task, 0).history).toEqual([]);
  });
});

function firstEnd(events: readonly TaskEvent[]): number {
  return events.findIndex((one) => one.status !== undefined && isTerminal(one.status.state));
}
