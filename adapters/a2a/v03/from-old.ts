import { type JsonObject, type JsonValue, present } from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";
import { messageFromOld, stateFromOld } from "./words.ts";

/** What an agent of 0.3 answers, in the words of 1.0; what is no good is passed on, and found there. */
export function responseFromOld(old: JsonObject): JsonObject {
  switch (old["kind"]) {
    case "task":
      return { task: taskFromOld(old) };
    case "message":
      return { message: messageFromOld(old) };
    case "status-update":
      return { statusUpdate: statusUpdateFromOld(old) };
    case "artifact-update":
      return { artifactUpdate: artifactUpdateFromOld(old) };
    default:
      // The first agents of 0.3 leave the kind out of tasks.
      return old["status"] === undefined ? {} : { task: taskFromOld(old) };
  }
}

export function taskFromOld({ id, contextId, status, artifacts, history, metadata }: JsonObject): JsonObject {
  return present({
    ...{ id, contextId, metadata },
    status: statusFromOld(status),
    artifacts: listOf(artifacts)?.map(artifactFromOld),
    history: listOf(history)?.map(messageFromOld),
  });
}

function statusUpdateFromOld({ taskId, contextId, status, metadata }: JsonObject): JsonObject {
  return present({ taskId, contextId, metadata, status: statusFromOld(status) });
}

function artifactUpdateFromOld(old: JsonObject): JsonObject {
  const { taskId, contextId, artifact, append, lastChunk, metadata } = old;
  return present({
    taskId,
    contextId,
    append,
    lastChunk,
    metadata,
    artifact: artifactFromOld(artifact ?? null),
  });
}

function statusFromOld(old: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(old)) return old;
  const { state, message, timestamp } = old;
  return present({
    state: stateFromOld(state),
    message: message === undefined || message === null ? undefined : messageFromOld(message),
    timestamp,
  });
}

function artifactFromOld(old: JsonValue): JsonValue {
  if (!isJsonObject(old)) return old;
  const { artifactId, name, description, parts, metadata, extensions } = old;
  // Parts are the same wherever they stand.
  const turned = messageFromOld({ parts: parts ?? [] });
  return present({
    ...{ artifactId, name, description, metadata, extensions },
    parts: isJsonObject(turned) ? turned["parts"] : undefined,
  });
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
