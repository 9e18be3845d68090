import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { type TaskService, TaskState } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import type { TestAgent } from "../../support/hub.ts";
import type { clientOf } from "./wires.ts";

type TaskClient = ReturnType<typeof clientOf<typeof TaskService>>;

export interface TaskScene {
  readonly alice: TestAgent;
  readonly bob: TestAgent;
  readonly tasks: TaskClient;
  readonly bobsTasks: TaskClient;
}

const say = (value: string) => ({ parts: [{ content: { case: "text" as const, value } }] });

async function begin({ tasks, bob }: TaskScene): Promise<string> {
  const { task } = await tasks.createTask({ to: bob.agentId, message: say("do it") });
  return task?.id ?? "";
}

/** How each call of TaskService is made, and what it must answer. */
export const TASK_CALLS: Readonly<Record<string, (scene: TaskScene) => Promise<void>>> = {
  async "TaskService.CreateTask"({ tasks, alice, bob }) {
    const request = {
      to: bob.agentId,
      message: say("translate"),
      dedupeKey: "one",
      metadata: { urgent: true },
    };
    const { task, duplicate } = await tasks.createTask(request);
    expect(duplicate).toBe(false);
    expect(task).toMatchObject({
      caller: alice.agentId,
      worker: bob.agentId,
      status: { state: TaskState.SUBMITTED },
      metadata: { urgent: true },
      sequence: 1n,
    });
    expect(await tasks.createTask(request)).toMatchObject({ duplicate: true, task: { id: task?.id } });
  },
  async "TaskService.GetTask"(scene) {
    const taskId = await begin(scene);
    const { task } = await scene.bobsTasks.getTask({ taskId, historyLength: 0 });
    expect(task).toMatchObject({ id: taskId, history: [] });
    await expect(scene.tasks.getTask({ taskId: "none" })).rejects.toMatchObject({ code: Code.NotFound });
  },
  async "TaskService.ListTasks"(scene) {
    const ids = [await begin(scene), await begin(scene)];
    const first = await scene.tasks.listTasks({ limit: 1, peer: scene.bob.agentId });
    const second = await scene.tasks.listTasks({ limit: 1, peer: scene.bob.agentId, cursor: first.cursor });
    expect([...first.tasks, ...second.tasks].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(first.total).toBe(second.total);
  },
  async "TaskService.SendTaskMessage"(scene) {
    const taskId = await begin(scene);
    const message = { ...say("and soon"), messageId: "second" };
    await scene.tasks.sendTaskMessage({ taskId, message });
    const { task } = await scene.tasks.sendTaskMessage({ taskId, message });
    expect(task?.history.map(({ messageId }) => messageId).slice(1)).toEqual(["second"]);
  },
  async "TaskService.UpdateTask"(scene) {
    const taskId = await begin(scene);
    const artifact = { artifact: { artifactId: "a", ...say("hal") }, append: true };
    await scene.bobsTasks.updateTask({ taskId, artifact });
    const { task } = await scene.bobsTasks.updateTask({
      taskId,
      artifact: { artifact: { artifactId: "a", ...say("lo") }, append: true, lastChunk: true },
      status: { state: TaskState.COMPLETED, message: say("done") },
    });
    expect(task).toMatchObject({ status: { state: TaskState.COMPLETED }, artifacts: [{ artifactId: "a" }] });
    expect(task?.artifacts[0]?.parts.map(({ content }) => content.value)).toEqual(["hal", "lo"]);
    await expect(scene.bobsTasks.updateTask({ taskId, artifact })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
    });
  },
  async "TaskService.CancelTask"(scene) {
    const taskId = await begin(scene);
    const { task } = await scene.tasks.cancelTask({ taskId });
    expect(task?.status?.state).toBe(TaskState.CANCELED);
    expect((await scene.tasks.cancelTask({ taskId })).task?.sequence).toBe(task?.sequence);
  },
  async "TaskService.SubscribeTask"(scene) {
    const taskId = await begin(scene);
    const seen: string[] = [];
    for await (const { task, event, sequence } of scene.tasks.subscribeTask({ taskId })) {
      seen.push(`${sequence} ${task === undefined ? event?.author : "task"}`);
      if (task !== undefined)
        await scene.bobsTasks.updateTask({ taskId, status: { state: TaskState.WORKING } });
      else if (event?.status?.state === TaskState.WORKING) {
        await scene.bobsTasks.updateTask({ taskId, status: { state: TaskState.FAILED } });
      }
    }
    const { agentId } = scene.bob;
    expect(seen).toEqual(["1 task", `2 ${agentId}`, `3 ${agentId}`]);
    const again: bigint[] = [];
    for await (const { sequence } of scene.tasks.subscribeTask({ taskId, after: 1n })) again.push(sequence);
    expect(again).toEqual([2n, 3n]);
  },
};
