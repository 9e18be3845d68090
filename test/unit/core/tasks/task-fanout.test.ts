import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { LiveTasks } from "../../../../src/core/tasks/live-tasks.ts";
import { TaskFanout } from "../../../../src/core/tasks/task-fanout.ts";
import { TaskMessageSchema } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import { START } from "../../../../src/model/position.ts";
import type { MessageLog } from "../../../../src/ports/message-log.ts";
import { CoreFixture, NO_SIGNAL, readerOf } from "../../../support/core-fixture.ts";
import { until } from "../../../support/until.ts";

/** The log of a hub that died before it wrote down how far it had come. */
function withoutMark(log: MessageLog): MessageLog {
  return new Proxy(log, {
    get(target, name) {
      if (name === "acked") return async () => ({ ...START, atUnixMs: 0 });
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("what an earlier run brought is not brought again, and what it left over is", async () => {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("alice", "bob");
  const { core, log, clock, logger, stores } = fixture;
  const call = { principal: readerOf("alice"), signal: NO_SIGNAL, remoteAddress: "127.0.0.1" };
  const message = create(TaskMessageSchema, { parts: [{ content: { case: "text", value: "do it" } }] });
  const { task } = await core.tasks.create(call, { to: "bob", message });
  const ends = async () => (await log.read("inbox/bob", { from: START, limit: 0 })).end.offset;
  await until("bob has it", async () => (await ends()) === 1);

  clock.nowMs += 1000;
  const live = await new LiveTasks(log, stores.tasks).find(task.id);
  if (live === undefined) throw new Error("the task is there");
  const deps = {
    delivery: core.delivery,
    logger,
    clock,
    isLiving: async () => true,
    settled: async () => undefined,
  };
  const next = new TaskFanout({ ...deps, log: withoutMark(log) });
  next.wake(live);
  await next.brought(task.id, 1);
  expect(await ends()).toBe(1);

  await log.trim("inbox/bob", Number.POSITIVE_INFINITY);
  const another = new TaskFanout({ ...deps, log: withoutMark(log) });
  another.wake(live);
  await another.brought(task.id, 1);
  expect(await ends()).toBe(2);
});
