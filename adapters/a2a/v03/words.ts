import { type JsonObject, type JsonValue, present } from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";

/**
 * What differs between the words of 0.3 and 1.0, both as JSON. What comes in is turned into 1.0 as it stands, and checked
 * there: a value that is no good is passed on for that, never guessed.
 */
const STATES: Readonly<Record<string, string>> = {
  submitted: "TASK_STATE_SUBMITTED",
  working: "TASK_STATE_WORKING",
  completed: "TASK_STATE_COMPLETED",
  failed: "TASK_STATE_FAILED",
  canceled: "TASK_STATE_CANCELED",
  "input-required": "TASK_STATE_INPUT_REQUIRED",
  rejected: "TASK_STATE_REJECTED",
  "auth-required": "TASK_STATE_AUTH_REQUIRED",
};
const OLD_STATES = new Map(Object.entries(STATES).map(([old, state]) => [state, old]));

/** A data part holds an object in 0.3: other values travel in one, under this mark (as the official SDKs do it). */
const WRAPPED = "data_part_compat";

export function messageFromOld(old: JsonValue | undefined): JsonValue {
  if (!isJsonObject(old)) return old ?? null;
  const { role, parts, messageId, contextId, taskId, metadata, extensions, referenceTaskIds } = old;
  return present({
    ...{ messageId, contextId, taskId, metadata, extensions, referenceTaskIds },
    role: roleFromOld(role),
    parts: isList(parts) ? parts.map(partFromOld) : parts,
  });
}

export function oldFromMessage(message: JsonObject): JsonObject {
  const { role, parts, ...rest } = message;
  return {
    kind: "message",
    ...rest,
    role: role === "ROLE_USER" ? "user" : "agent",
    parts: listOf(parts, oldFromPart),
  };
}

export function oldFromTask(task: JsonObject): JsonObject {
  const { status, artifacts, history, ...rest } = task;
  return {
    kind: "task",
    ...rest,
    status: oldFromStatus(status),
    ...(artifacts !== undefined && { artifacts: listOf(artifacts, oldFromArtifact) }),
    ...(history !== undefined && { history: listOf(history, oldFromMessage) }),
  };
}

/** @param update of 1.0; its stream ends with it when the task has ended or waits for the caller's message */
export function oldFromStatusUpdate(update: JsonObject): JsonObject {
  const { status, ...rest } = update;
  const old = oldFromStatus(status);
  return { kind: "status-update", ...rest, status: old, final: isFinal(old["state"]) };
}

export function oldFromArtifactUpdate(update: JsonObject): JsonObject {
  const { artifact, ...rest } = update;
  return {
    kind: "artifact-update",
    ...rest,
    artifact: isJsonObject(artifact) ? oldFromArtifact(artifact) : {},
  };
}

export function pushFromOld(old: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(old)) return old;
  const { id, url, token, authentication } = old;
  return present({ id, url, token, authentication: authFromOld(authentication) });
}

export function oldFromPush(config: JsonObject): JsonObject {
  const { taskId = "", id, url = "", token, authentication } = config;
  const pushNotificationConfig = present({ id, url, token, authentication: oldFromAuth(authentication) });
  return { taskId, pushNotificationConfig };
}

export function stateFromOld(state: JsonValue | undefined): JsonValue | undefined {
  return typeof state === "string" ? (STATES[state] ?? "TASK_STATE_UNSPECIFIED") : state;
}

function roleFromOld(role: JsonValue | undefined): JsonValue | undefined {
  if (role === "user") return "ROLE_USER";
  return role === "agent" ? "ROLE_AGENT" : undefined;
}

function partFromOld(old: JsonValue): JsonValue {
  if (!isJsonObject(old)) return old;
  const { kind, text, file, data, metadata } = old;
  if (kind === "text") return present({ text, metadata });
  if (kind === "file" && isJsonObject(file)) {
    const { bytes, uri, name, mimeType } = file;
    return present({
      raw: bytes,
      url: bytes === undefined ? uri : undefined,
      filename: name,
      mediaType: mimeType,
      metadata,
    });
  }
  return kind === "data" ? dataFromOld(data, metadata) : {};
}

function oldFromPart(part: JsonObject): JsonObject {
  const { text, raw, url, data, metadata, filename: name, mediaType: mimeType } = part;
  if (text !== undefined) return present({ kind: "text", text, metadata });
  if (raw !== undefined || url !== undefined) {
    return present({ kind: "file", file: present({ bytes: raw, uri: url, name, mimeType }), metadata });
  }
  return { kind: "data", ...oldFromData(data, metadata) };
}

/** Data and metadata of a data part of 0.3, as 1.0 has them. */
export function dataFromOld(data: JsonValue | undefined, metadata: JsonValue | undefined): JsonObject {
  if (!isJsonObject(metadata) || metadata[WRAPPED] !== true || !isJsonObject(data)) {
    return present({ data, metadata });
  }
  const { [WRAPPED]: _mark, ...others } = metadata;
  return present({ data: data["value"], metadata: Object.keys(others).length === 0 ? undefined : others });
}

/** Data and metadata of a data part, as 0.3 has them. */
export function oldFromData(data: JsonValue | undefined, metadata: JsonValue | undefined): JsonObject {
  if (isJsonObject(data ?? null)) return present({ data, metadata });
  const marked = { ...(isJsonObject(metadata) ? metadata : {}), [WRAPPED]: true };
  return { data: { value: data ?? null }, metadata: marked };
}

function oldFromStatus(status: JsonValue | undefined): JsonObject {
  if (!isJsonObject(status)) return { state: "unknown" };
  const { state, message, ...rest } = status;
  return {
    ...rest,
    state: OLD_STATES.get(String(state)) ?? "unknown",
    ...(isJsonObject(message) && { message: oldFromMessage(message) }),
  };
}

function isFinal(state: JsonValue | undefined): boolean {
  return state !== "submitted" && state !== "working" && state !== "auth-required" && state !== "unknown";
}

function oldFromArtifact(artifact: JsonObject): JsonObject {
  const { parts, ...rest } = artifact;
  return { ...rest, parts: listOf(parts, oldFromPart) };
}

/** 0.3 lists schemes, of which one is used. */
function authFromOld(old: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(old)) return old;
  const { schemes, credentials } = old;
  return present({ scheme: isList(schemes) ? schemes[0] : undefined, credentials });
}

function oldFromAuth(auth: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(auth)) return undefined;
  const { scheme, credentials } = auth;
  return present({ schemes: scheme === undefined ? [] : [scheme], credentials });
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function listOf(value: JsonValue | undefined, turn: (item: JsonObject) => JsonObject): readonly JsonObject[] {
  return isList(value) ? value.filter(isJsonObject).map(turn) : [];
}
