import type { Task } from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";
import type { TaskRecord, TaskStore } from "../../ports/task-store.ts";
import { viewOfTask } from "./fold.ts";
import type { LiveTasks } from "./live-tasks.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** A page ends when its tasks hold this much, but not before its first one. */
const MAX_PAGE_BYTES = 4_194_304;
const CURSOR = /^(\d{1,15})-([0-9a-f-]{36})$/;

export interface TaskListInput {
  readonly contextId?: string;
  /** Number of TaskState. */
  readonly state?: number;
  /** Tasks with that agent on the other side. */
  readonly peer?: string;
  /** Tasks that are this agent's work. */
  readonly worker?: string;
  readonly changedAfterUnixMs?: number;
  readonly historyLength?: number;
  /** Without it, tasks come without artifacts. */
  readonly includeArtifacts?: boolean;
  /** Clamped to 1…100; absent = 50. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Undefined = that was all. */
  readonly cursor: string | undefined;
  /** Of all pages. */
  readonly total: number;
}

/** Tasks that the agent gave or took, latest change of status first. @throws MeshError invalid_argument */
export async function listTasks(
  { store, live }: { readonly store: TaskStore; readonly live: LiveTasks },
  party: string,
  input: TaskListInput,
): Promise<TaskPage> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.floor(input.limit ?? DEFAULT_LIMIT)));
  const { contextId, state, peer, worker, changedAfterUnixMs } = input;
  const after = placeFromCursor(input.cursor);
  const page = await store.list({ party, contextId, state, peer, worker, changedAfterUnixMs, after, limit });
  const tasks: Task[] = [];
  let last: TaskRecord | undefined;
  let bytes = 0;
  for (const record of page.tasks) {
    const found = await live.find(record.taskId);
    bytes += found?.bytes ?? 0;
    if (bytes > MAX_PAGE_BYTES && last !== undefined) break;
    last = record;
    if (found === undefined) continue;
    const task = viewOfTask(found.task, input.historyLength);
    tasks.push(input.includeArtifacts === true ? task : { ...task, artifacts: [] });
  }
  const isAll = last === page.tasks.at(-1) && page.tasks.length < limit;
  return { tasks, cursor: isAll || last === undefined ? undefined : cursorOf(last), total: page.total };
}

function cursorOf({ changedUnixMs, taskId }: TaskRecord): string {
  return `${changedUnixMs}-${taskId}`;
}

function placeFromCursor(cursor: string | undefined) {
  if (cursor === undefined || cursor === "") return undefined;
  const [, changedUnixMs, taskId] = CURSOR.exec(cursor) ?? [];
  if (changedUnixMs === undefined || taskId === undefined) {
    throw new MeshError("invalid_argument", "not a cursor of a list of tasks", {
      hint: "give back a cursor exactly as you got it, or none to start with the first page",
    });
  }
  return { changedUnixMs: Number(changedUnixMs), taskId };
}
