import { type DescMessage, fromJson, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type JsonObject, MeshError, readJsonMembers } from "../../src/adapter-kit.ts";
import type {
  ListTaskPushNotificationConfigsResponse,
  ListTasksResponse,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import {
  ListTaskPushNotificationConfigsResponseSchema,
  ListTasksResponseSchema,
  TaskSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError, invalidParams } from "./a2a-error.ts";

/** Bytes as a JSON value of at most 128 levels. @throws A2aError PARSE_ERROR */
export function jsonFromBytes(bytes: Uint8Array): unknown {
  try {
    return readJsonMembers(bytes).value;
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    throw new A2aError("PARSE_ERROR", thrown.message, { cause: thrown });
  }
}

/** Bytes as a JSON object of at most 128 levels; undefined = they are none. For what others than callers wrote. */
export function jsonObjectFromBytes(bytes: Uint8Array): JsonObject | undefined {
  try {
    const { value } = readJsonMembers(bytes);
    return isJsonObject(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof MeshError) return undefined;
    throw thrown;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A message in ProtoJSON. Fields that nobody here knows are left out, as the protocol says.
 * @throws A2aError INVALID_PARAMS naming the field
 */
export function messageFromJson<Desc extends DescMessage>(schema: Desc, value: unknown): MessageShape<Desc> {
  if (!isJsonObject(value)) throw invalidParams({ field: "", description: "a JSON object is expected" });
  try {
    // It was read by JSON.parse.
    return fromJson(schema, value as JsonValue, { ignoreUnknownFields: true });
  } catch (thrown) {
    const told = thrown instanceof Error ? thrown.message : "";
    throw invalidParams({ field: fieldFromComplaint(told), description: descriptionFromComplaint(told) });
  }
}

/** Of "cannot decode field lf.a2a.v1.Message.parts from JSON: …" the field's own name, as JSON spells it. */
function fieldFromComplaint(complaint: string): string {
  const name = /\bfield [\w.]*?(\w+) from JSON/.exec(complaint)?.[1] ?? "";
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function descriptionFromComplaint(complaint: string): string {
  const told = /from JSON: (.*)$/s.exec(complaint)?.[1] ?? "is not what this field holds";
  return told.slice(0, 200);
}

/** @throws Error when the message holds a number that JSON has not; requests are checked for that */
export function jsonFromMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): JsonObject {
  const json = toJson(schema, message);
  return isJsonObject(json) ? json : {};
}

/** The members that lists always have, also when ProtoJSON would leave them out for being empty. */
export function jsonFromTaskPage(page: ListTasksResponse, withArtifacts: boolean): JsonObject {
  const { nextPageToken, pageSize, totalSize } = page;
  const tasks = page.tasks.map((task): JsonObject => {
    const json = jsonFromMessage(TaskSchema, task);
    return withArtifacts ? { artifacts: [], ...json } : json;
  });
  return { ...jsonFromMessage(ListTasksResponseSchema, page), tasks, nextPageToken, pageSize, totalSize };
}

export function jsonFromConfigPage(page: ListTaskPushNotificationConfigsResponse): JsonObject {
  return {
    configs: [],
    ...jsonFromMessage(ListTaskPushNotificationConfigsResponseSchema, page),
    nextPageToken: page.nextPageToken,
  };
}
