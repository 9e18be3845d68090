import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import {
  type Task,
  TaskMessageSchema,
  TaskState,
  TaskStatusSchema,
} from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import { decodeEnvelope } from "../../../../src/model/envelope-codec.ts";
import type { Call } from "../../../../src/model/principal.ts";
import { CoreFixture, codeOf, DAY_MS, NO_SIGNAL, readerOf, START_MS } from "../../../support/core-fixture.ts";
import { until } from "../../../support/until.ts";

function by(agentId: string): Call {
  return { principal: readerOf(agentId), signal: NO_SIGNAL, remoteAddress: "127.0.0.1" };
}

const ANYBODY: Call = { principal: { kind: "anonymous" }, signal: NO_SIGNAL, remoteAddress: "192.0.2.1" };

function words(value: string, messageId = "") {
  return create(TaskMessageSchema, { messageId, parts: [{ content: { case: "text", value } }] });
}

const state = (value: TaskState) => ({ status: create(TaskStatusSchema, { state: value }) });

async function give(fixture: CoreFixture, dedupeKey = "", call = by("alice")): Promise<Task> {
  const { task } = await fixture.core.tasks.create(call, { to: "bob", message: words("do it"), dedupeKey });
  return task;
}

/** What stands in the inbox, oldest first: pointers resolved. */
async function inboxOf(fixture: CoreFixture, agentId: string): Promise<string[]> {
  const input = { limit: 500, manualAck: true };
  const { records } = await fixture.core.receive.receive(readerOf(agentId), input, NO_SIGNAL);
  return records
    .map(({ bytes }) => decodeEnvelope(bytes).header)
    .map(({ kind, taskId }) => `${kind} ${taskId}`);
}

async function openWithAgents(bounds = {}): Promise<CoreFixture> {
  const fixture = await CoreFixture.open(bounds);
  await fixture.addAgents("alice", "bob");
  return fixture;
}

test("many calls with one key at once make one task with one first event", async () => {
  const fixture = await openWithAgents();
  const made = await Promise.all(
    Array.from({ length: 20 }, () =>
      fixture.core.tasks.create(by("alice"), { to: "bob", message: words("x"), dedupeKey: "k" }),
    ),
  );
  expect(new Set(made.map(({ task }) => task.id)).size).toBe(1);
  expect(made.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  const task = await fixture.core.tasks.get(by("bob"), made[0]?.task.id ?? "");
  expect([task.sequence, task.history.length]).toEqual([1n, 1]);
});

test("of updates at once every one counts, and only one ends the task", async () => {
  const fixture = await openWithAgents();
  const { id } = await give(fixture);
  const { tasks } = fixture.core;
  const outcomes = await Promise.all([
    ...Array.from({ length: 10 }, () => codeOf(tasks.update(by("bob"), id, state(TaskState.WORKING)))),
    ...[TaskState.COMPLETED, TaskState.FAILED].map((end) => codeOf(tasks.update(by("bob"), id, state(end)))),
    codeOf(tasks.cancel(by("alice"), id)),
  ]);
  expect(outcomes.filter((code) => code === "no error")).toHaveLength(11);
  expect(outcomes.slice(11)).toEqual(["failed_precondition", "failed_precondition"]);
  expect((await tasks.get(by("alice"), id)).sequence).toBe(12n);
});

test("after a crash the index says what the log says, and what was not told is told", async () => {
  const fixture = await openWithAgents();
  const open = await give(fixture);
  const ended = await give(fixture);
  await fixture.core.tasks.update(by("bob"), ended.id, state(TaskState.COMPLETED));
  await until("everybody was told", async () => (await fixture.stores.tasks.find(ended.id))?.isSettled);
  // As if the crash came between the log and the index.
  await fixture.stores.tasks.change(ended.id, { state: 1, changedUnixMs: START_MS, isSettled: false });
  await fixture.restart({ isCrash: true });
  await fixture.core.taskUpkeep.resume();
  await until("it is settled", async () => (await fixture.stores.tasks.find(ended.id))?.isSettled);
  expect((await fixture.stores.tasks.find(ended.id))?.state).toBe(TaskState.COMPLETED);
  expect((await fixture.stores.tasks.find(open.id))?.isSettled).toBe(false);
  expect(new Set(await inboxOf(fixture, "bob"))).toEqual(new Set([`TASK ${open.id}`, `TASK ${ended.id}`]));
});

test("a row whose first event was never written is no task; the same key makes it one, or it goes", async () => {
  const fixture = await openWithAgents();
  const left = await give(fixture, "k");
  const row = await fixture.stores.tasks.find(left.id);
  if (row === undefined) throw new Error("no row");
  const taskId = "11111111-1111-4111-8111-111111111111";
  await fixture.stores.tasks.create({ ...row, taskId, dedupeKey: "half" }, 0);
  expect(await codeOf(fixture.core.tasks.get(by("alice"), taskId))).toBe("not_found");
  const { task } = await fixture.core.tasks.create(by("alice"), {
    to: "bob",
    message: words("x"),
    dedupeKey: "half",
  });
  expect([task.id, task.sequence]).toEqual([taskId, 1n]);

  const lost = "22222222-2222-4222-8222-222222222222";
  await fixture.stores.tasks.create({ ...row, taskId: lost, dedupeKey: "" }, 0);
  fixture.clock.nowMs += DAY_MS;
  await fixture.core.taskUpkeep.resume();
  expect(await fixture.stores.tasks.find(lost)).toBeUndefined();
});

test("old tasks are forgotten; those that never ended fail first", async () => {
  const fixture = await openWithAgents();
  const [ended, open, young] = [await give(fixture), await give(fixture), await give(fixture)];
  await fixture.core.tasks.update(by("bob"), ended.id, state(TaskState.COMPLETED));
  await until("it is settled", async () => (await fixture.stores.tasks.find(ended.id))?.isSettled);
  fixture.clock.nowMs += 20 * DAY_MS;
  await fixture.core.tasks.update(by("bob"), young.id, state(TaskState.WORKING));
  fixture.clock.nowMs += 11 * DAY_MS;
  await fixture.core.taskUpkeep.sweep();
  const { tasks } = fixture.core;
  expect(await codeOf(tasks.get(by("alice"), ended.id))).toBe("not_found");
  expect((await tasks.get(by("alice"), open.id)).status?.state).toBe(TaskState.FAILED);
  expect((await tasks.get(by("alice"), young.id)).status?.state).toBe(TaskState.WORKING);
  const dead = await fixture.core.ladder.dead("alice", {});
  expect(dead.messages).toMatchObject([
    { to: "bob", state: "expired", reason: "nothing happened for too long" },
  ]);
  const receipt = await tasks.receipt(by("alice"), open.id);
  expect(receipt).toMatchObject({ state: "expired", note: "nothing happened for too long" });
  const { records } = await fixture.log.read(`task/${ended.id}`, {
    from: { epoch: 0, offset: 0 },
    limit: 10,
  });
  expect(records).toEqual([]);
});

test("an inbox that is full refuses a new task, not what belongs to one that was accepted", async () => {
  const fixture = await openWithAgents({ inboxMaxMessages: 2 });
  const first = await give(fixture);
  await until("it is there", async () => (await inboxOf(fixture, "bob")).length === 1);
  await give(fixture);
  await until("both are there", async () => (await inboxOf(fixture, "bob")).length === 2);
  expect(await codeOf(give(fixture))).toBe("inbox_full");
  await fixture.core.tasks.say(by("alice"), first.id, words("more"));
  await until("the turn is there", async () => (await inboxOf(fixture, "bob")).length === 3);
});

test("too much at once, and a turn without parts, are refused and leave nothing", async () => {
  const fixture = await openWithAgents({ maxPayloadBytes: 2000 });
  const { tasks } = fixture.core;
  const large = { to: "bob", message: words("x".repeat(3000)), dedupeKey: "k" };
  expect(await codeOf(tasks.create(by("alice"), large))).toBe("too_large");
  expect((await tasks.list(by("alice"), {})).total).toBe(0);
  const { id } = await give(fixture, "k");
  expect(await codeOf(tasks.say(by("alice"), id, words("x".repeat(3000))))).toBe("too_large");
  expect(await codeOf(tasks.say(by("alice"), id, create(TaskMessageSchema, {})))).toBe("invalid_argument");
  expect(await codeOf(tasks.update(by("bob"), id, {}))).toBe("invalid_argument");
  expect(await codeOf(tasks.update(by("bob"), id, state(TaskState.SUBMITTED)))).toBe("invalid_argument");
  expect((await tasks.get(by("alice"), id)).sequence).toBe(1n);
});

test("a guest is let in to public agents alone, has no keys, and is found by the id", async () => {
  const fixture = await openWithAgents({ ratePerMinute: 3 });
  const { tasks } = fixture.core;
  expect(await codeOf(give(fixture, "", ANYBODY))).toBe("unauthenticated");
  expect(await codeOf(tasks.create(ANYBODY, { to: "nobody", message: words("x") }))).toBe("unauthenticated");
  const profile = { capabilities: [], status: "available", visibility: "public", access: "public" } as const;
  await fixture.stores.agents.setProfile("bob", profile);
  fixture.directory.changed("bob", "profile");
  const one = await give(fixture, "k", ANYBODY);
  const other = await give(fixture, "k", ANYBODY);
  expect(one.id).not.toBe(other.id);
  expect(one.caller).toBe("~guest");
  expect((await tasks.get(ANYBODY, one.id)).id).toBe(one.id);
  expect(await codeOf(tasks.list(ANYBODY, {}))).toBe("unauthenticated");
  expect(await codeOf(tasks.update(ANYBODY, one.id, state(TaskState.COMPLETED)))).toBe("unauthenticated");
  expect(await codeOf(tasks.cancel(by("bob"), one.id))).toBe("permission_denied");
  expect((await tasks.cancel(ANYBODY, one.id)).status?.state).toBe(TaskState.CANCELED);
  await give(fixture, "", ANYBODY);
  expect(await codeOf(give(fixture, "", ANYBODY))).toBe("rate_limited");
});

test("a follower ends with its credential, with the hub, and when its caller goes away", async () => {
  const fixture = await openWithAgents();
  const { id } = await give(fixture);
  const { tasks } = fixture.core;
  const gone = new AbortController();
  onTestFinished(() => gone.abort());
  const leaving = await tasks.subscribe({ ...by("alice"), signal: gone.signal }, id);
  expect((await leaving.next()).value?.sequence).toBe(1);
  gone.abort();
  expect(await leaving.next()).toEqual({ done: true, value: undefined });

  const revoked = await tasks.subscribe(by("alice"), id, 1);
  const staying = await tasks.subscribe(by("bob"), id, 1);
  await fixture.removeAgent("alice");
  expect(await codeOf(revoked.next())).toBe("unauthenticated");
  expect(await codeOf(tasks.subscribe(by("bob"), id, 9).then((far) => far.next()))).toBe("gap");
  fixture.core.drain();
  expect(await codeOf(staying.next())).toBe("unavailable");
  expect(await codeOf(tasks.subscribe(by("bob"), id))).toBe("unavailable");
});
