import { fromBinary, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type Artifact,
  type Part,
  type Task,
  type TaskEvent,
  TaskEventSchema,
  type TaskMessage,
  TaskRole,
  TaskState,
  type TaskStatus,
} from "../gen/meshkore/v1/tasks_pb.js";
import { changedUnixMs, partsOf, TASK_STATES, type TaskStateName } from "./task.ts";

/**
 * Tasks as our own JSON surfaces show them. Values of parts are natural JSON; absent members are left out. `payload` is
 * the short form of `parts`: one text part is its text, one data part its JSON, all else `{parts}`.
 */
export interface TaskJson {
  readonly [member: string]: TaskJsonValue | undefined;
}

export type TaskJsonValue = string | number | boolean | null | readonly TaskJsonValue[] | TaskJson;

/** A whole task: what was asked (`payload`, `parts`), how it stands, and what came of it (`result`, `result_parts`). */
export function jsonFromTask(task: Task): TaskJson {
  const asked = partsOf(task.history.find(({ role }) => role === TaskRole.USER));
  const results = resultOf(task);
  return {
    task_id: task.id,
    context_id: task.contextId,
    from: task.caller,
    to: task.worker,
    state: stateName(task.status),
    changed_at: timeText(changedUnixMs(task)),
    created_at: timeText(Number(task.createdUnixMs)),
    sequence: Number(task.sequence),
    ...payloadMembers(asked),
    ...(results.length > 0 && { result: payloadFromParts(results), result_parts: results.map(jsonFromPart) }),
    message: task.status?.message && jsonFromTaskMessage(task.status.message),
    artifacts: task.artifacts.map(jsonFromArtifact),
    history: task.history.map(jsonFromTaskMessage),
    metadata: task.metadata,
  };
}

/** What happened, as readers of inboxes and followers of tasks see it. */
export function jsonFromTaskEvent(event: TaskEvent): TaskJson {
  const { message, artifact, status } = event;
  const said = message?.parts ?? artifact?.artifact?.parts ?? status?.message?.parts ?? [];
  return {
    ...payloadMembers(said),
    state: status && stateName(status),
    message: (message ?? status?.message) && jsonFromTaskMessage((message ?? status?.message) as TaskMessage),
    artifact: artifact?.artifact && {
      ...jsonFromArtifact(artifact.artifact),
      append: artifact.append || undefined,
      last_chunk: artifact.lastChunk || undefined,
    },
    task_metadata: event.created?.metadata,
    accepted_output_modes: nonEmpty(event.created?.acceptedOutputModes),
    metadata: event.metadata,
  };
}

/** Of a stored event. @throws Error when the bytes are not a TaskEvent */
export function jsonFromTaskPayload(payload: Uint8Array): TaskJson {
  return jsonFromTaskEvent(fromBinary(TaskEventSchema, payload));
}

export function jsonFromTaskMessage(message: TaskMessage): TaskJson {
  return {
    message_id: message.messageId,
    role: message.role === TaskRole.AGENT ? "agent" : "user",
    ...payloadMembers(message.parts),
    metadata: message.metadata,
    extensions: nonEmpty(message.extensions),
    reference_task_ids: nonEmpty(message.referenceTaskIds),
  };
}

function jsonFromArtifact(artifact: Artifact): TaskJson {
  return {
    artifact_id: artifact.artifactId,
    name: artifact.name || undefined,
    description: artifact.description || undefined,
    ...payloadMembers(artifact.parts),
    metadata: artifact.metadata,
    extensions: nonEmpty(artifact.extensions),
  };
}

function payloadMembers(parts: readonly Part[]): TaskJson {
  return parts.length === 0 ? {} : { payload: payloadFromParts(parts), parts: parts.map(jsonFromPart) };
}

/** The short form. */
export function payloadFromParts(parts: readonly Part[]): TaskJsonValue {
  const [only] = parts;
  if (parts.length === 1 && only?.content.case === "text") return only.content.value;
  if (parts.length === 1 && only?.content.case === "data") return toJson(ValueSchema, only.content.value);
  return { parts: parts.map(jsonFromPart) };
}

function jsonFromPart({ content, metadata, filename, mediaType }: Part): TaskJson {
  return {
    ...contentMember(content),
    filename: filename || undefined,
    media_type: mediaType || undefined,
    metadata,
  };
}

function contentMember(content: Part["content"]): TaskJson {
  if (content.case === undefined) return {};
  if (content.case === "data") return { data: toJson(ValueSchema, content.value) };
  if (content.case === "raw") return { raw: Buffer.from(content.value).toString("base64") };
  return { [content.case]: content.value };
}

/** Artifacts are what comes of a task; a worker that made none may have said it in its last status. */
function resultOf({ artifacts, status }: Task): readonly Part[] {
  if (artifacts.length > 0) return artifacts.flatMap(({ parts }) => parts);
  return status?.state === TaskState.COMPLETED ? partsOf(status.message) : [];
}

function stateName(status: TaskStatus | undefined): TaskStateName {
  return TASK_STATES[status?.state ?? 0] ?? "unspecified";
}

function nonEmpty(texts: readonly string[] | undefined): readonly string[] | undefined {
  return texts === undefined || texts.length === 0 ? undefined : texts;
}

function timeText(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
