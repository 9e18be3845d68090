import type { Tasks } from "../core/tasks/tasks.ts";
import type { TaskApi } from "./task-api.ts";

/** Binds tasks to their callers: who may do what depends on the task, so the layer itself looks at the principal. */
export function createTaskApi(tasks: Tasks): TaskApi {
  return {
    create: (call, input) => tasks.create(call, input),
    get: (call, taskId, view) => tasks.get(call, taskId, view),
    list: (call, input) => tasks.list(call, input),
    say: (call, taskId, message) => tasks.say(call, taskId, message),
    update: (call, taskId, update) => tasks.update(call, taskId, update),
    cancel: (call, taskId, metadata) => tasks.cancel(call, taskId, metadata),
    subscribe: (call, taskId, after) => tasks.subscribe(call, taskId, after),
    subscribeWithReceipts: (call, taskId, after) => tasks.subscribeWithReceipts(call, taskId, after),
    receipt: (call, taskId) => tasks.receipt(call, taskId),
  };
}
