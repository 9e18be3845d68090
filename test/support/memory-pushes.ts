import { MeshError } from "../../src/model/errors.ts";
import type { PushRecord, PushStore } from "../../src/ports/push-store.ts";

/** The store of push notifications in memory; keys of the map are made by it alone. */
export function createMemoryPushes(pushes: Map<string, PushRecord>): PushStore {
  const key = (taskId: string, configId: string): string => `${taskId} ${configId}`;
  const ordered = (): PushRecord[] =>
    [...pushes.values()].sort((a, b) => (key(a.taskId, a.configId) < key(b.taskId, b.configId) ? -1 : 1));
  const ofTask = (taskId: string): PushRecord[] => ordered().filter((push) => push.taskId === taskId);
  return {
    async put(push, most) {
      const isNew = !pushes.has(key(push.taskId, push.configId));
      if (isNew && ofTask(push.taskId).length >= most) {
        throw new MeshError("failed_precondition", `a task has at most ${most} push notification configs`);
      }
      pushes.set(key(push.taskId, push.configId), push);
    },
    find: async (taskId, configId) => pushes.get(key(taskId, configId)),
    list: async (taskId, afterId, limit) =>
      ofTask(taskId)
        .filter((push) => push.configId > afterId)
        .slice(0, limit),
    async progress(taskId, configId, { sent, stopped }) {
      const push = pushes.get(key(taskId, configId));
      if (push === undefined) return;
      pushes.set(key(taskId, configId), { ...push, sent: Math.max(push.sent, sent), stopped });
    },
    remove: async (taskId, configId) => pushes.delete(key(taskId, configId)),
    openTasks: async (afterId, limit) =>
      [...new Set(ordered().flatMap((push) => (push.stopped === undefined ? [push.taskId] : [])))]
        .filter((taskId) => taskId > afterId)
        .slice(0, limit),
  };
}
