import type { JsonValue as ProtoJsonValue } from "@bufbuild/protobuf";
import { type JsonObject as ProtoJsonObject, toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Message, Part, SendMessageRequest } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { type A2aError, type FieldViolation, invalidParams } from "./a2a-error.ts";

const MAX_PARTS = 1000;
/** Of ids that callers choose. */
const MAX_ID_CHARS = 256;
const MAX_LIST = 100;
const MAX_URI_CHARS = 2048;
/** Of a JSON value in a message: one level is three of the binary form, whose readers take a hundred. */
const MAX_LEVELS = 30;

/** The message of a request that has all it needs. @throws A2aError INVALID_PARAMS */
export function checkedMessage(request: SendMessageRequest): Message {
  const { message } = request;
  if (message === undefined) throw invalidParams({ field: "message", description: "is missing" });
  const violations = [
    ...idViolations(message),
    ...listViolations("message.extensions", message.extensions),
    ...listViolations("message.referenceTaskIds", message.referenceTaskIds),
    ...partsViolations(message.parts),
    ...structViolations("message.metadata", message.metadata),
    ...structViolations("metadata", request.metadata),
    ...listViolations("configuration.acceptedOutputModes", request.configuration?.acceptedOutputModes ?? []),
    ...historyViolations("configuration.historyLength", request.configuration?.historyLength),
  ];
  if (violations.length > 0) throw invalidParams(...violations);
  return message;
}

/** @throws A2aError INVALID_PARAMS for a negative one */
export function checkedHistoryLength(length: number | undefined): number | undefined {
  const violations = historyViolations("historyLength", length);
  if (violations.length > 0) throw invalidParams(...violations);
  return length;
}

/** @throws A2aError INVALID_PARAMS */
export function checkedId(id: string, field: string): string {
  if (id === "") throw invalidParams({ field, description: "is missing" });
  if (id.length > MAX_ID_CHARS) throw tooLong(field);
  return id;
}

/** @throws A2aError INVALID_PARAMS */
export function checkedStruct(
  struct: ProtoJsonObject | undefined,
  field: string,
): ProtoJsonObject | undefined {
  const violations = structViolations(field, struct);
  if (violations.length > 0) throw invalidParams(...violations);
  return struct;
}

function tooLong(field: string): A2aError {
  return invalidParams({ field, description: `has more than ${MAX_ID_CHARS} characters` });
}

function idViolations({ messageId, contextId, taskId, role }: Message): readonly FieldViolation[] {
  const ids = { "message.messageId": messageId, "message.contextId": contextId, "message.taskId": taskId };
  return [
    ...(messageId === "" ? [{ field: "message.messageId", description: "is missing" }] : []),
    ...(role === 0 ? [{ field: "message.role", description: "must be ROLE_USER" }] : []),
    ...Object.entries(ids)
      .filter(([, id]) => id.length > MAX_ID_CHARS)
      .map(([field]) => ({ field, description: `has more than ${MAX_ID_CHARS} characters` })),
  ];
}

function historyViolations(field: string, length: number | undefined): readonly FieldViolation[] {
  return length !== undefined && length < 0 ? [{ field, description: "must not be negative" }] : [];
}

function listViolations(field: string, list: readonly string[]): readonly FieldViolation[] {
  if (list.length > MAX_LIST) return [{ field, description: `has more than ${MAX_LIST} members` }];
  return list.some((text) => text.length > MAX_URI_CHARS)
    ? [{ field, description: `has a member of more than ${MAX_URI_CHARS} characters` }]
    : [];
}

function partsViolations(parts: readonly Part[]): readonly FieldViolation[] {
  if (parts.length === 0) return [{ field: "message.parts", description: "needs at least one part" }];
  if (parts.length > MAX_PARTS) {
    return [{ field: "message.parts", description: `has more than ${MAX_PARTS} parts` }];
  }
  return parts.flatMap(({ content, metadata }, index) => [
    ...contentViolations(`message.parts[${index}]`, content),
    ...structViolations(`message.parts[${index}].metadata`, metadata),
  ]);
}

function contentViolations(field: string, content: Part["content"]): readonly FieldViolation[] {
  if (content.case === undefined) return [{ field, description: "needs one of text, raw, url and data" }];
  return content.case === "data" && !isJson(content.value)
    ? [{ field: `${field}.data`, description: "is no JSON value" }]
    : [];
}

function structViolations(field: string, struct: ProtoJsonObject | undefined): readonly FieldViolation[] {
  return struct === undefined || depthOf(struct, 0) <= MAX_LEVELS
    ? []
    : [{ field, description: "is nested too deeply, or holds what JSON cannot" }];
}

function isJson(value: Value): boolean {
  try {
    return depthOf(toJson(ValueSchema, value), 0) <= MAX_LEVELS;
  } catch {
    // NaN, infinity, a value of no kind, or far too many levels.
    return false;
  }
}

/** Levels of nesting; infinity for what JSON cannot hold. */
function depthOf(value: ProtoJsonValue, level: number): number {
  if (level > MAX_LEVELS) return level;
  if (typeof value === "number") return Number.isFinite(value) ? level : Number.POSITIVE_INFINITY;
  if (typeof value !== "object" || value === null) return level;
  let deepest = level;
  for (const member of Object.values(value)) deepest = Math.max(deepest, depthOf(member, level + 1));
  return deepest;
}
