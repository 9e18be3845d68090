import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskMessageSchema, TaskState, TaskStatusSchema } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import type { Call } from "../../../../src/model/principal.ts";
import { CoreFixture, codeOf, NO_SIGNAL, readerOf } from "../../../support/core-fixture.ts";

function by(agentId: string): Call {
  return { principal: readerOf(agentId), signal: NO_SIGNAL, remoteAddress: "127.0.0.1" };
}

const ANYBODY: Call = { principal: { kind: "anonymous" }, signal: NO_SIGNAL, remoteAddress: "192.0.2.1" };

function words(value: string) {
  return create(TaskMessageSchema, { parts: [{ content: { case: "text", value } }] });
}

/** Every operation on a task that is there, or not. */
const OPERATIONS: readonly ((fixture: CoreFixture, call: Call, taskId: string) => Promise<unknown>)[] = [
  ({ core }, call, id) => core.tasks.get(call, id),
  ({ core }, call, id) => core.tasks.cancel(call, id),
  ({ core }, call, id) => core.tasks.say(call, id, words("more")),
  ({ core }, call, id) => core.tasks.subscribe(call, id),
  ({ core }, call, id) =>
    core.tasks.update(call, id, { status: create(TaskStatusSchema, { state: TaskState.WORKING }) }),
];

/** What is looked at of index and log from now on. */
function watchLooks({ stores, log }: CoreFixture): string[] {
  const looks: string[] = [];
  const { find } = stores.tasks;
  stores.tasks.find = (taskId) => {
    looks.push("index");
    return find.call(stores.tasks, taskId);
  };
  const { read } = log;
  log.read = (stream, options) => {
    looks.push("log");
    return read.call(log, stream, options);
  };
  return looks;
}

test.each([true, false])(
  "a task of others costs the same one look as none, kept in memory: %s",
  async (isKept) => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("alice", "bob", "carol");
    const { task } = await fixture.core.tasks.create(by("alice"), { to: "bob", message: words("do it") });
    if (!isKept) await fixture.restart();
    const looks = watchLooks(fixture);
    for (const call of [by("carol"), ANYBODY]) {
      for (const operation of OPERATIONS) {
        const codes: unknown[] = [];
        const counted: string[][] = [];
        for (const id of [task.id, randomUUID()]) {
          looks.length = 0;
          codes.push(await codeOf(operation(fixture, call, id)));
          counted.push([...looks]);
        }
        expect(codes[1]).toBe(codes[0]);
        expect(codes[0]).toBe(call === ANYBODY ? "unauthenticated" : "not_found");
        expect(counted[0]).toEqual(counted[1]);
        expect(counted[0]?.length).toBeLessThanOrEqual(1);
        expect(counted[0]).not.toContain("log");
      }
    }
  },
);
