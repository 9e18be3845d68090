import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { TaskStatus } from "../gen/meshkore/v1/tasks_pb.js";
import {
  type Part,
  type Task,
  type TaskMessage,
  TaskState,
  TaskStatusSchema,
} from "../gen/meshkore/v1/tasks_pb.js";

/** Of the payload of an envelope of kind TASK or TASK_EVENT: meshkore.v1.TaskEvent. */
export const TASK_EVENT_TYPE = "application/vnd.meshkore.task-event";
/** Stands as the caller of a task that nobody with a name gave. No agent id has a tilde. */
export const GUEST = "~guest";
/** Stands as the author of what the hub does to a task by itself. */
export const HUB_AUTHOR = "~hub";

/** Names of TaskState by number, as JSON surfaces of our own show them; the first stands for "not told". */
export const TASK_STATES = [
  "unspecified",
  "submitted",
  "working",
  "completed",
  "failed",
  "canceled",
  "input_required",
  "rejected",
  "auth_required",
] as const;
export type TaskStateName = (typeof TASK_STATES)[number];

/** Whether the task has ended: nothing changes it any more. */
export function isTerminal(state: number): boolean {
  return (
    state === TaskState.COMPLETED ||
    state === TaskState.FAILED ||
    state === TaskState.CANCELED ||
    state === TaskState.REJECTED
  );
}

/** Whether the worker waits for the caller. */
export function isInterrupted(state: number): boolean {
  return state === TaskState.INPUT_REQUIRED || state === TaskState.AUTH_REQUIRED;
}

export function stateOf(task: Task): TaskState {
  return task.status?.state ?? TaskState.UNSPECIFIED;
}

/** When the status changed, in ms since the Unix epoch. */
export function changedUnixMs(task: Task): number {
  const timestamp = task.status?.timestamp;
  return timestamp === undefined ? 0 : timestampMs(timestamp);
}

/** How the index tells of a task. */
export function changeOfTask(task: Task, isSettled: boolean) {
  return { state: stateOf(task), changedUnixMs: changedUnixMs(task), isSettled };
}

export function taskStatus(
  state: TaskState,
  atUnixMs: number,
  message?: MessageInitShape<typeof TaskStatusSchema>["message"],
): TaskStatus {
  return create(TaskStatusSchema, {
    state,
    timestamp: timestampFromMs(atUnixMs),
    ...(message === undefined ? {} : { message }),
  });
}

/** Parts of a message, none when there is no message. */
export function partsOf(message: TaskMessage | undefined): readonly Part[] {
  return message?.parts ?? [];
}
