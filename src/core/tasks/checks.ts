import { create } from "@bufbuild/protobuf";
import {
  type Artifact,
  type ArtifactUpdate,
  ArtifactUpdateSchema,
  type Part,
  type TaskMessage,
  TaskMessageSchema,
  type TaskRole,
  TaskState,
  type TaskStatus,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";
import { taskStatus } from "../../model/task.ts";
import { MAX_DEDUPE_KEY_LENGTH } from "../bounds.ts";

const MAX_PARTS = 1000;
/** Of ids and names that callers choose. */
const MAX_TEXT = MAX_DEDUPE_KEY_LENGTH;
const MAX_LIST = 100;

/** Where a message belongs, and what it gets when it does not say. */
export interface MessagePlace {
  readonly taskId: string;
  readonly contextId: string;
  readonly role: TaskRole;
  readonly newId: () => string;
}

/** A checked message, placed. @throws MeshError invalid_argument */
export function placedMessage(message: TaskMessage, place: MessagePlace): TaskMessage {
  checkParts(message.parts, "message.parts");
  checkText(message.messageId, "message.message_id");
  checkPlace(message.taskId, place.taskId, "task_id");
  checkPlace(message.contextId, place.contextId, "context_id");
  checkList(message.extensions, "message.extensions");
  checkList(message.referenceTaskIds, "message.reference_task_ids");
  const { parts, metadata, extensions, referenceTaskIds } = message;
  return create(TaskMessageSchema, {
    messageId: message.messageId === "" ? place.newId() : message.messageId,
    taskId: place.taskId,
    contextId: place.contextId,
    role: place.role,
    ...{ parts, extensions, referenceTaskIds },
    ...(metadata === undefined ? {} : { metadata }),
  });
}

/** A checked piece of an artifact. @throws MeshError invalid_argument */
export function checkedArtifact(update: ArtifactUpdate): ArtifactUpdate {
  const { artifact, append, lastChunk, metadata } = update;
  if (artifact === undefined) throw invalid("artifact", "is missing");
  checkArtifact(artifact);
  return create(ArtifactUpdateSchema, {
    ...{ artifact, append, lastChunk },
    ...(metadata === undefined ? {} : { metadata }),
  });
}

function checkArtifact(artifact: Artifact): void {
  if (artifact.artifactId === "") throw invalid("artifact.artifact_id", "is missing");
  checkText(artifact.artifactId, "artifact.artifact_id");
  checkParts(artifact.parts, "artifact.parts");
  checkList(artifact.extensions, "artifact.extensions");
}

const OF_WORKERS: ReadonlySet<TaskState> = new Set([
  TaskState.WORKING,
  TaskState.COMPLETED,
  TaskState.FAILED,
  TaskState.CANCELED,
  TaskState.INPUT_REQUIRED,
  TaskState.REJECTED,
  TaskState.AUTH_REQUIRED,
]);

/** A worker's status with the hub's time. @throws MeshError invalid_argument */
export function checkedStatus(status: TaskStatus, place: MessagePlace, atUnixMs: number): TaskStatus {
  if (!OF_WORKERS.has(status.state)) {
    throw new MeshError("invalid_argument", "status.state is not one that a worker sets", {
      hint: "use working, input_required, auth_required, completed, failed, rejected or canceled",
    });
  }
  const message = status.message === undefined ? undefined : placedMessage(status.message, place);
  return taskStatus(status.state, atUnixMs, message);
}

function checkParts(parts: readonly Part[], field: string): void {
  if (parts.length === 0) throw invalid(field, "is empty");
  if (parts.length > MAX_PARTS) throw invalid(field, `has more than ${MAX_PARTS} members`);
  for (const [index, { content }] of parts.entries()) {
    if (content.case === undefined) throw invalid(`${field}[${index}]`, "has no content");
  }
}

function checkPlace(given: string, known: string, field: string): void {
  if (given !== "" && given !== known) throw invalid(`message.${field}`, "is not the task's");
}

/** @throws MeshError invalid_argument */
export function checkText(text: string, field: string): void {
  if (text.length > MAX_TEXT) throw invalid(field, `has more than ${MAX_TEXT} characters`);
}

function checkList(texts: readonly string[], field: string): void {
  if (texts.length > MAX_LIST) throw invalid(field, `has more than ${MAX_LIST} members`);
  for (const text of texts) if (text.length > 2048) throw invalid(field, "has a member that is too long");
}

const HINTS: Readonly<Record<string, string>> = {
  "is empty": "give at least one part: text, raw, url or data",
  "has no content": "give each part one of text, raw, url and data",
  "is not the task's": "leave it out, or give the task's own",
};

function invalid(field: string, what: string): MeshError {
  return new MeshError("invalid_argument", `${field} ${what}`, {
    hint: HINTS[what] ?? `see ${field} in the documentation`,
  });
}
