import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { taskStream } from "../../../../src/core/tasks/task-events.ts";
import { ArtifactUpdateSchema, TaskMessageSchema } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import type { Call } from "../../../../src/model/principal.ts";
import { CoreFixture, NO_SIGNAL, readerOf } from "../../../support/core-fixture.ts";

function by(agentId: string): Call {
  return { principal: readerOf(agentId), signal: NO_SIGNAL, remoteAddress: "127.0.0.1" };
}

const part = (value: string) => ({ content: { case: "text" as const, value } });

test("a task of any size is read once, not with each of its events", { timeout: 60_000 }, async () => {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("alice", "bob");
  const { tasks } = fixture.core;
  const message = create(TaskMessageSchema, { parts: [part("do it")] });
  const { task } = await tasks.create(by("alice"), { to: "bob", message });
  const artifact = { artifactId: "a", parts: [part("x".repeat(1_000_000))] };
  const update = { artifact: create(ArtifactUpdateSchema, { artifact }) };
  const grow = async (events: number): Promise<void> => {
    for (let n = 0; n < events; n++) await tasks.update(by("bob"), task.id, update);
  };
  await grow(40);
  await fixture.restart();
  let readings = 0;
  const { read } = fixture.log;
  fixture.log.read = (stream, options) => {
    if (stream === taskStream(task.id) && options.from.offset === 0) readings += 1;
    return read.call(fixture.log, stream, options);
  };
  await fixture.core.tasks.get(by("bob"), task.id);
  await fixture.core.tasks.update(by("bob"), task.id, update);
  await fixture.core.tasks.update(by("bob"), task.id, update);
  expect((await fixture.core.tasks.get(by("alice"), task.id)).sequence).toBe(43n);
  expect(readings).toBe(1);
});
