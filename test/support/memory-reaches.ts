import type { ReachCredentialRecord, ReachCredentialStore } from "../../src/ports/reach-credential-store.ts";
import type { ReachRecord, ReachStore, RemoteTaskRecord } from "../../src/ports/reach-store.ts";

export interface ReachTables {
  readonly reaches: Map<string, ReachRecord>;
  readonly remoteTasks: Map<string, RemoteTaskRecord>;
  readonly isLiving: (agentId: string) => boolean;
}

/** The store of reached agents in memory. */
export function createMemoryReaches({ reaches, remoteTasks, isLiving }: ReachTables): ReachStore {
  const latest = (a: RemoteTaskRecord, b: RemoteTaskRecord): number => b.changedUnixMs - a.changedUnixMs;
  return {
    find: async (agentId) => reaches.get(agentId),
    async put(reach) {
      if (isLiving(reach.agentId)) reaches.set(reach.agentId, reach);
    },
    async remove(agentId) {
      reaches.delete(agentId);
    },
    task: async (taskId) => remoteTasks.get(taskId),
    async putTask(task) {
      remoteTasks.set(task.taskId, task);
    },
    openTasks: async (agentId, afterId, limit) =>
      [...remoteTasks.values()]
        .filter((task) => task.agentId === agentId && task.isOpen && task.taskId > afterId)
        .sort((a, b) => (a.taskId < b.taskId ? -1 : 1))
        .slice(0, limit),
    remoteContext: async (agentId, contextId) =>
      [...remoteTasks.values()]
        .filter((task) => task.agentId === agentId && task.contextId === contextId)
        .filter((task) => task.remoteContextId !== "")
        .sort(latest)[0]?.remoteContextId,
  };
}

/** What reached agents want to be shown, in memory. */
export function createMemoryReachCredentials(
  credentials: Map<string, ReachCredentialRecord>,
  isLiving: (agentId: string) => boolean,
): ReachCredentialStore {
  return {
    find: async (agentId) => credentials.get(agentId),
    async put(credential) {
      if (isLiving(credential.agentId)) credentials.set(credential.agentId, credential);
    },
    remove: async (agentId) => credentials.delete(agentId),
  };
}
