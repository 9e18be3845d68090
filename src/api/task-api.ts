import type { JsonObject } from "@bufbuild/protobuf";
import type { ReceiptedNews } from "../core/tasks/receipted-follower.ts";
import type { NewTask } from "../core/tasks/task-creation.ts";
import type { TaskListInput, TaskPage } from "../core/tasks/task-list.ts";
import type { TaskReceipt } from "../core/tasks/task-receipts.ts";
import type { TaskNews } from "../core/tasks/task-watch.ts";
import type { WorkerUpdate } from "../core/tasks/tasks.ts";
import type {
  Artifact,
  ArtifactUpdate,
  Part,
  Task,
  TaskEvent,
  TaskMessage,
  TaskStatus,
} from "../gen/meshkore/v1/tasks_pb.js";
import type { Call } from "../model/principal.ts";

export type {
  Artifact,
  ArtifactUpdate,
  Part,
  ReceiptedNews,
  Task,
  TaskEvent,
  TaskMessage,
  TaskNews,
  TaskPage,
  TaskReceipt,
  TaskStatus,
};
export type CreateTaskInput = NewTask;
export type ListTasksInput = TaskListInput;
export type TaskUpdate = WorkerUpdate;

export interface TaskView {
  /** At most that many messages of the history, the latest; absent = all. */
  readonly historyLength?: number;
}

/**
 * A task, followed live: what is not pulled stays in the log. Ends after the event that ends the task, when the caller
 * went away, and when `close` was called; otherwise `next` throws MeshError gap, unauthenticated when the credential
 * ended, or unavailable when the hub stops.
 */
export interface TaskSubscription extends AsyncIterableIterator<TaskNews, undefined> {
  close(): void;
}

/** The same, with what becomes of the latest message of who gave the task; each change of that is news as well. */
export interface ReceiptedSubscription extends AsyncIterableIterator<ReceiptedNews, undefined> {
  close(): void;
}

/**
 * Who has nothing to do with a task is told not_found, as if there were none. A task that a guest gave is open to
 * whoever knows its id. A task that ended changes no more: failed_precondition.
 */
export interface TaskApi {
  /**
   * Answers when the task is durable. An anonymous caller is let through to workers with public access, as a
   * rate-limited guest.
   * @throws MeshError not_found, permission_denied, inbox_full, rate_limited, quota_exceeded, too_large,
   *   invalid_argument, already_exists for a key that was given to another message
   */
  create(call: Call, input: CreateTaskInput): Promise<{ readonly task: Task; readonly duplicate: boolean }>;
  get(call: Call, taskId: string, view?: TaskView): Promise<Task>;
  /** Latest change of status first. */
  list(call: Call, input: ListTasksInput): Promise<TaskPage>;
  /**
   * The next turn of who gave the task; its `messageId` is the dedupe key. @throws MeshError rate_limited,
   *   quota_exceeded, failed_precondition, already_exists for a key that was given to another message of the task
   */
  say(call: Call, taskId: string, message: TaskMessage): Promise<Task>;
  /** By the worker. @throws MeshError permission_denied for who gave the task */
  update(call: Call, taskId: string, update: TaskUpdate): Promise<Task>;
  /** By who gave the task. A canceled one is answered as it is. @throws MeshError failed_precondition when it ended */
  cancel(call: Call, taskId: string, metadata?: JsonObject): Promise<Task>;
  /** `after`: sequence of the last event that the caller has; absent = the task itself comes first. @throws MeshError gap */
  subscribe(call: Call, taskId: string, after?: number): Promise<TaskSubscription>;
  subscribeWithReceipts(call: Call, taskId: string, after?: number): Promise<ReceiptedSubscription>;
  /** What became of the latest message of who gave the task; undefined when that is erased. */
  receipt(call: Call, taskId: string): Promise<TaskReceipt | undefined>;
}
