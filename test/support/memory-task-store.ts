import type { TaskQuery, TaskRecord, TaskStore } from "../../src/ports/task-store.ts";

/** The task index in memory: the shortest code that keeps its promises, except that nothing is durable. */
export function createMemoryTaskStore(): TaskStore {
  const tasks = new Map<string, TaskRecord>();
  const all = () => [...tasks.values()];
  return {
    async create(task, keysSinceUnixMs) {
      const known = all().find((other) => hasSameKey(other, task));
      if (known !== undefined && known.createdUnixMs >= keysSinceUnixMs) return known;
      if (known !== undefined) tasks.set(known.taskId, { ...known, dedupeKey: "" });
      tasks.set(task.taskId, task);
      return undefined;
    },
    find: async (taskId) => tasks.get(taskId),
    async change(taskId, change) {
      const task = tasks.get(taskId);
      if (task !== undefined) tasks.set(taskId, { ...task, ...change });
    },
    async list(query) {
      const matching = all()
        .filter((task) => matches(task, query))
        .sort(latestFirst);
      const { after } = query;
      const page = after === undefined ? matching : matching.filter((task) => latestFirst(after, task) < 0);
      return { tasks: page.slice(0, query.limit), total: matching.length };
    },
    unsettled: async (afterId, limit) =>
      all()
        .filter(({ isSettled, taskId }) => !isSettled && taskId > afterId)
        .sort((a, b) => (a.taskId < b.taskId ? -1 : 1))
        .slice(0, limit),
    unchangedSince: async (unixMs, limit) =>
      all()
        .filter(({ changedUnixMs }) => changedUnixMs < unixMs)
        .sort((a, b) => latestFirst(b, a))
        .slice(0, limit),
    async remove(taskIds) {
      for (const taskId of taskIds) tasks.delete(taskId);
    },
  };
}

function hasSameKey(one: TaskRecord, other: TaskRecord): boolean {
  const { caller, worker, dedupeKey } = one;
  return (
    dedupeKey !== "" && caller === other.caller && worker === other.worker && dedupeKey === other.dedupeKey
  );
}

function matches(
  task: TaskRecord,
  { party, peer, worker, contextId, state, changedAfterUnixMs, isUnsettled }: TaskQuery,
): boolean {
  const isParty = party === undefined || task.caller === party || task.worker === party;
  const isPair =
    peer === undefined ||
    (task.caller === party && task.worker === peer) ||
    (task.caller === peer && task.worker === party);
  return (
    isParty &&
    isPair &&
    (isUnsettled === undefined || !task.isSettled) &&
    (worker === undefined || task.worker === worker) &&
    (contextId === undefined || task.contextId === contextId) &&
    (state === undefined || task.state === state) &&
    (changedAfterUnixMs === undefined || task.changedUnixMs > changedAfterUnixMs)
  );
}

type Place = Pick<TaskRecord, "changedUnixMs" | "taskId">;

function latestFirst(a: Place, b: Place): number {
  if (a.changedUnixMs !== b.changedUnixMs) return b.changedUnixMs - a.changedUnixMs;
  if (a.taskId === b.taskId) return 0;
  return a.taskId < b.taskId ? 1 : -1;
}
