import { MeshError, type RegistryApi, type Task, type TaskApi } from "../../src/adapter-kit.ts";
import { taskNotFound } from "./a2a-error.ts";
import { type Asked, agentOf, HUB } from "./asked.ts";
import { checkedId } from "./checks.ts";

/** What it takes to see whether a caller may have to do with a task. */
export interface TaskAccess {
  readonly tasks: TaskApi;
  readonly registry: Pick<RegistryApi, "getAgent">;
}

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
export async function taskFor(access: TaskAccess, asked: Asked, wanted: TaskAsked): Promise<Task> {
  const agent = agentOf(asked, wanted.tenant);
  const id = checkedId(wanted.id, wanted.field ?? "id");
  // The hub answers by messages, and has no tasks of its own.
  if (agent === HUB) throw taskNotFound();
  const { historyLength } = wanted;
  const view = historyLength === undefined ? {} : { historyLength };
  const task = await orNotFound(access.tasks.get(asked.call, id, view)).catch(async (thrown: unknown) => {
    // A stranger may ask an agent that is open to strangers, and is told what everybody is told.
    if (isUnauthenticated(thrown) && (await isOpenTo(access, asked, agent))) throw taskNotFound();
    throw thrown;
  });
  if (task.worker !== agent) throw taskNotFound();
  return task;
}

/** Whether the caller is a stranger and the agent one that strangers may see and call. */
export async function isOpenTo(
  { registry }: Pick<TaskAccess, "registry">,
  { call }: Asked,
  agent: string,
): Promise<boolean> {
  if (call.principal.kind !== "anonymous") return false;
  try {
    return (await registry.getAgent(call, agent)).profile.access === "public";
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "not_found") return false;
    throw thrown;
  }
}

function isUnauthenticated(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === "unauthenticated";
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
