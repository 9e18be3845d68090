import type { Pushes } from "../outbound/push/pushes.ts";
import type { PushApi } from "./push-api.ts";

/** Binds push notifications to their callers: who may do what depends on the task, so the layer itself looks. */
export function createPushApi(pushes: Pushes): PushApi {
  return {
    addRenderer: (dialect, render) => pushes.addRenderer(dialect, render),
    check: (push) => pushes.check(push),
    set: (call, push) => pushes.set(call, push),
    get: (call, taskId, configId) => pushes.get(call, taskId, configId),
    list: (call, taskId, page) => pushes.list(call, taskId, page),
    remove: (call, taskId, configId) => pushes.remove(call, taskId, configId),
  };
}
