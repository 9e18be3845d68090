import { MeshError, type Task, type TaskApi } from "../../src/adapter-kit.ts";
import { taskNotFound } from "./a2a-error.ts";
import { type Asked, agentOf, HUB } from "./asked.ts";
import { checkedId } from "./checks.ts";

/** Which task is asked for, and at whose address. */
export interface TaskAsked {
  readonly tenant: string;
  readonly id: string;
  /** The request's field that holds the id. */
  readonly field?: string;
  readonly historyLength?: number | undefined;
}

/**
 * The task, when the caller may see it and it is the work of the agent that was called.
 * @throws A2aError TASK_NOT_FOUND for everything else, so that nothing is told of tasks of others
 */
export async function taskFor(tasks: TaskApi, asked: Asked, wanted: TaskAsked): Promise<Task> {
  const agent = agentOf(asked, wanted.tenant);
  const id = checkedId(wanted.id, wanted.field ?? "id");
  // The hub answers by messages, and has no tasks of its own.
  if (agent === HUB) throw taskNotFound();
  const { historyLength } = wanted;
  const task = await orNotFound(
    tasks.get(asked.call, id, historyLength === undefined ? {} : { historyLength }),
  );
  if (task.worker !== agent) throw taskNotFound();
  return task;
}

/** An id that no task can have is as one that no task has. */
export async function orNotFound<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    const isUnknown = thrown instanceof MeshError && (thrown.code === "not_found" || thrown.code === "gone");
    throw isUnknown ? taskNotFound() : thrown;
  }
}
