import { type JsonObject, type JsonValue, present } from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";
import { dataFromOld, oldFromData, oldFromPush, pushFromOld } from "./words.ts";

/**
 * The words of the HTTP+JSON binding of 0.3, which are those of its .proto file: neither JSON-RPC's of 0.3 nor 1.0's.
 */

export function sendFromOldProto({ message, request, configuration, metadata }: JsonObject): JsonObject {
  return present({
    message: messageFromOldProto(message ?? request),
    metadata,
    configuration: isJsonObject(configuration) ? configurationFrom(configuration) : undefined,
  });
}

/** Here a word that is not said is false: who configures anything does not wait unless it says so. */
function configurationFrom(old: JsonObject): JsonObject {
  const { acceptedOutputModes, historyLength, blocking, pushNotification } = old;
  return present({
    acceptedOutputModes,
    // Nought is what a number is that was not given.
    historyLength: historyLength === 0 ? undefined : historyLength,
    returnImmediately: blocking !== true,
    taskPushNotificationConfig: pushFromOld(pushNotification),
  });
}

function messageFromOldProto(old: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(old)) return old;
  const { content, parts = content, ...rest } = old;
  return present({ ...rest, parts: isList(parts) ? parts.map(partFromOldProto) : parts });
}

function partFromOldProto(old: JsonValue): JsonValue {
  if (!isJsonObject(old)) return old;
  const { text, file, data, metadata } = old;
  if (text !== undefined) return present({ text, metadata });
  if (isJsonObject(file)) {
    const { fileWithBytes: raw, fileWithUri, mimeType: mediaType, name: filename } = file;
    return present({ raw, url: raw === undefined ? fileWithUri : undefined, mediaType, filename, metadata });
  }
  return isJsonObject(data) ? dataFromOld(data["data"], metadata) : {};
}

/** `{task}` or `{message}`, and of a stream also `{statusUpdate}` and `{artifactUpdate}`. */
export function oldProtoFromAnswer(answer: JsonObject): JsonObject {
  const { task, message, statusUpdate, artifactUpdate } = answer;
  if (isJsonObject(task)) return { task: oldProtoFromTask(task) };
  if (isJsonObject(message)) return { message: oldProtoFromMessage(message) };
  if (isJsonObject(statusUpdate)) {
    const status = oldProtoFromStatus(statusUpdate["status"]);
    return { statusUpdate: { ...statusUpdate, status, final: isFinal(status["state"]) } };
  }
  if (!isJsonObject(artifactUpdate)) return {};
  const { artifact } = artifactUpdate;
  return {
    artifactUpdate: {
      ...artifactUpdate,
      ...(isJsonObject(artifact) && { artifact: oldProtoFromArtifact(artifact) }),
    },
  };
}

export function oldProtoFromTask(task: JsonObject): JsonObject {
  const { status, artifacts, history, ...rest } = task;
  return {
    ...rest,
    status: oldProtoFromStatus(status),
    ...(artifacts !== undefined && { artifacts: listOf(artifacts).map(oldProtoFromArtifact) }),
    ...(history !== undefined && { history: listOf(history).map(oldProtoFromMessage) }),
  };
}

/** What `oldProtoFromAnswer` gives, from agents that live elsewhere, as 1.0 has it; what is none is found there. */
export function answerFromOldProto({
  task,
  message,
  msg,
  statusUpdate,
  artifactUpdate,
}: JsonObject): JsonObject {
  const said = message ?? msg;
  if (isJsonObject(task)) return { task: taskFromOldProto(task) };
  if (isJsonObject(said)) return present({ message: messageFromOldProto(said) });
  if (isJsonObject(statusUpdate)) {
    const { status, final: _final, ...rest } = statusUpdate;
    return { statusUpdate: { ...rest, ...present({ status: statusFromOldProto(status) }) } };
  }
  if (!isJsonObject(artifactUpdate)) return {};
  const { artifact, ...rest } = artifactUpdate;
  return {
    artifactUpdate: { ...rest, ...(isJsonObject(artifact) && { artifact: artifactFromOldProto(artifact) }) },
  };
}

export function taskFromOldProto({ status, artifacts, history, ...rest }: JsonObject): JsonObject {
  return {
    ...rest,
    ...present({
      status: statusFromOldProto(status),
      artifacts: isList(artifacts) ? listOf(artifacts).map(artifactFromOldProto) : undefined,
      history: isList(history) ? history.map((message) => messageFromOldProto(message) ?? null) : undefined,
    }),
  };
}

function statusFromOldProto(status: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(status)) return status;
  const { state, message, update, ...rest } = status;
  return {
    ...rest,
    ...present({
      state: state === "TASK_STATE_CANCELLED" ? "TASK_STATE_CANCELED" : state,
      message: messageFromOldProto(message ?? update),
    }),
  };
}

function artifactFromOldProto(artifact: JsonObject): JsonObject {
  return { ...artifact, parts: listOf(artifact["parts"]).map(partFromOldProto) };
}

export function oldProtoFromPush(config: JsonObject): JsonObject {
  const { taskId, pushNotificationConfig } = oldFromPush(config);
  const { id = "" } = config;
  return {
    name: `tasks/${String(taskId)}/pushNotificationConfigs/${String(id)}`,
    ...present({ pushNotificationConfig }),
  };
}

export function pushFromOldProto({ pushNotificationConfig, config }: JsonObject): JsonObject {
  const given =
    pushNotificationConfig ?? (isJsonObject(config) ? config["pushNotificationConfig"] : undefined);
  const push = pushFromOld(given);
  return isJsonObject(push) ? push : {};
}

export function oldProtoFromMessage(message: JsonObject): JsonObject {
  const { parts, ...rest } = message;
  return { ...rest, content: listOf(parts).map(oldProtoFromPart) };
}

function oldProtoFromPart(part: JsonObject): JsonObject {
  const { text, raw, url, data, metadata, filename: name, mediaType: mimeType } = part;
  if (text !== undefined) return present({ text, metadata });
  if (raw !== undefined || url !== undefined) {
    return present({ file: present({ fileWithBytes: raw, fileWithUri: url, mimeType, name }), metadata });
  }
  const { data: held, metadata: marked } = oldFromData(data, metadata);
  return present({ data: { data: held ?? null }, metadata: marked });
}

function oldProtoFromArtifact(artifact: JsonObject): JsonObject {
  return { ...artifact, parts: listOf(artifact["parts"]).map(oldProtoFromPart) };
}

function oldProtoFromStatus(status: JsonValue | undefined): JsonObject {
  if (!isJsonObject(status)) return {};
  const { state, message, ...rest } = status;
  return {
    ...rest,
    ...present({ state: state === "TASK_STATE_CANCELED" ? "TASK_STATE_CANCELLED" : state }),
    ...(isJsonObject(message) && { message: oldProtoFromMessage(message) }),
  };
}

function isFinal(state: JsonValue | undefined): boolean {
  return /_(COMPLETED|FAILED|CANCELLED|REJECTED|INPUT_REQUIRED)$/.test(String(state));
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return isList(value) ? value.filter(isJsonObject) : [];
}
