import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Artifact, ArtifactUpdate, Task, TaskMessage, TaskStatus } from "../../src/adapter-kit.ts";
import {
  type Artifact as A2aArtifact,
  ArtifactSchema as A2aArtifactSchema,
  type Message as A2aMessage,
  MessageSchema as A2aMessageSchema,
  type Task as A2aTask,
  TaskSchema as A2aTaskSchema,
  type TaskStatus as A2aTaskStatus,
  TaskStatusSchema as A2aTaskStatusSchema,
  type TaskArtifactUpdateEvent,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import {
  ArtifactSchema,
  ArtifactUpdateSchema,
  TaskMessageSchema,
  TaskSchema,
  TaskStatusSchema,
} from "../../src/gen/meshkore/v1/tasks_pb.js";

/**
 * The hub's task messages are A2A's, number by number on the wire: bytes of the one are bytes of the other. What the hub
 * adds (numbers above 100) is left out.
 */
function reread<From extends DescMessage, To extends DescMessage>(
  from: From,
  message: MessageShape<From>,
  to: To,
): MessageShape<To> {
  return fromBinary(to, toBinary(from, message), { readUnknownFields: false });
}

/** @param historyLength at most so many messages, the latest; undefined = all that the task has */
export function a2aTaskFromTask(task: Task, historyLength?: number): A2aTask {
  const { history } = task;
  const shown =
    historyLength === undefined ? history : history.slice(Math.max(0, history.length - historyLength));
  return reread(TaskSchema, { ...task, history: shown }, A2aTaskSchema);
}

export function a2aStatusFromStatus(status: TaskStatus): A2aTaskStatus {
  return reread(TaskStatusSchema, status, A2aTaskStatusSchema);
}

export function a2aArtifactFromArtifact(artifact: Artifact): A2aArtifact {
  return reread(ArtifactSchema, artifact, A2aArtifactSchema);
}

export function a2aMessageFromMessage(message: TaskMessage): A2aMessage {
  return reread(TaskMessageSchema, message, A2aMessageSchema);
}

export function messageFromA2aMessage(message: A2aMessage): TaskMessage {
  return reread(A2aMessageSchema, message, TaskMessageSchema);
}

export function statusFromA2aStatus(status: A2aTaskStatus): TaskStatus {
  return reread(A2aTaskStatusSchema, status, TaskStatusSchema);
}

export function taskFromA2aTask(task: A2aTask): Task {
  return reread(A2aTaskSchema, task, TaskSchema);
}

/** Without the names of task and context that it has there. */
export function artifactUpdateFromA2aUpdate(update: TaskArtifactUpdateEvent): ArtifactUpdate {
  const { artifact, append, lastChunk, metadata } = update;
  return create(ArtifactUpdateSchema, {
    ...{ append, lastChunk },
    ...(artifact !== undefined && { artifact: reread(A2aArtifactSchema, artifact, ArtifactSchema) }),
    ...(metadata !== undefined && { metadata }),
  });
}

/** A task without artifacts, as lists show it. */
export function withoutArtifacts(task: A2aTask): A2aTask {
  return create(A2aTaskSchema, { ...task, artifacts: [] });
}
