import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it, onTestFinished } from "vitest";
import { taskStream } from "../../../src/core/tasks/task-events.ts";
import { TaskMessageSchema, TaskState, TaskStatusSchema } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { callAs } from "../../../src/outbound/call-as.ts";
import type { RemoteAgent, RemoteNews } from "../../../src/outbound/reach/dialect.ts";
import { RemoteWork } from "../../../src/outbound/reach/remote-work.ts";
import { CoreFixture, NO_SIGNAL } from "../../support/core-fixture.ts";
import { until } from "../../support/until.ts";

const PLACE = { taskId: "there", contextId: "there-c" };
const says = (text: string) =>
  create(TaskMessageSchema, { parts: [{ content: { case: "text", value: text } }] });

function task(state: TaskState, atMs: number): RemoteNews {
  const status = create(TaskStatusSchema, { state, timestamp: timestampFromMs(atMs) });
  return { kind: "task", place: PLACE, task: { status, artifacts: [], history: [] } };
}

/** A remote agent whose words the test gives. */
class ScriptedAgent implements RemoteAgent {
  readonly canceled: string[] = [];
  /** What each turn is answered with, in order; a promise holds the stream. */
  answers: (RemoteNews | Promise<RemoteNews>)[][] = [];

  async *send(): AsyncGenerator<RemoteNews, void> {
    for (const news of this.answers.shift() ?? []) yield await news;
  }
  async *follow(): AsyncGenerator<RemoteNews, void> {
    await new Promise(() => undefined);
  }
  async cancel(taskId: string): Promise<void> {
    this.canceled.push(taskId);
  }
}

async function setUp() {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("alice", "remo");
  const { core, log, stores, clock, logger } = fixture;
  const remote = new ScriptedAgent();
  const work = new RemoteWork({
    ...{ agentId: "remo", log, clock, logger, tasks: core.tasks, outcomes: stores.outcomes },
    ...{ store: stores.reaches, retry: { firstMs: 2, mostMs: 4, giveUpMs: 60_000 }, remote: () => remote },
  });
  onTestFinished(() => work.stop());
  const alice = callAs("alice", NO_SIGNAL);
  const { task: given } = await core.tasks.create(alice, { to: "remo", message: says("do it") });
  const deliverLast = async (): Promise<void> => {
    const { records } = await log.read(taskStream(given.id), { from: { epoch: 0, offset: 0 }, limit: 100 });
    const last = records.at(-1);
    if (last !== undefined) await work.deliver(last, NO_SIGNAL);
  };
  const state = async () => (await core.tasks.get(alice, given.id)).status?.state;
  return { core, stores, remote, alice, taskId: given.id, deliverLast, state };
}

describe("work of a remote agent", () => {
  it("that is answered at once is kept before the turn counts as delivered", async () => {
    const { remote, deliverLast, state } = await setUp();
    remote.answers = [[{ kind: "message", message: says("done") }]];
    await deliverLast();
    expect(await state()).toBe(TaskState.COMPLETED);
  });

  it("is known by the name that it has there before the turn counts as delivered", async () => {
    const { remote, stores, taskId, deliverLast } = await setUp();
    remote.answers = [[task(TaskState.SUBMITTED, 1)]];
    await deliverLast();
    expect(await stores.reaches.task(taskId)).toMatchObject({ remoteTaskId: "there", isOpen: true });
  });

  it("does not wait again because the answer to a turn begins with the task as it was", async () => {
    const { core, remote, alice, taskId, deliverLast, state } = await setUp();
    const waiting = task(TaskState.INPUT_REQUIRED, 1);
    remote.answers = [[waiting], [waiting, task(TaskState.WORKING, 2), task(TaskState.INPUT_REQUIRED, 3)]];
    await deliverLast();
    await until("it waits", async () => (await state()) === TaskState.INPUT_REQUIRED);
    await core.tasks.say(alice, taskId, says("go on"));
    await deliverLast();
    await until("it waits again", async () => (await state()) === TaskState.INPUT_REQUIRED);
    const states: TaskState[] = [];
    const news = await core.tasks.subscribe(alice, taskId, 0);
    for await (const { event, sequence } of news) {
      if (event?.status !== undefined) states.push(event.status.state);
      if (sequence === Number((await core.tasks.get(alice, taskId)).sequence)) break;
    }
    const { SUBMITTED, WORKING, INPUT_REQUIRED } = TaskState;
    expect(states).toEqual([SUBMITTED, INPUT_REQUIRED, SUBMITTED, WORKING, INPUT_REQUIRED]);
  });

  it("is canceled there also when it says something in between", async () => {
    const { core, remote, alice, taskId, stores, deliverLast } = await setUp();
    const late = Promise.withResolvers<RemoteNews>();
    remote.answers = [[task(TaskState.WORKING, 1), late.promise]];
    await deliverLast();
    await core.tasks.cancel(alice, taskId);
    late.resolve(task(TaskState.WORKING, 2));
    await new Promise(setImmediate);
    await deliverLast();
    expect(remote.canceled).toEqual(["there"]);
    expect(await stores.reaches.task(taskId)).toMatchObject({ isOpen: false });
  });
});
