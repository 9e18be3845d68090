import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { z } from "zod";
import {
  type Part,
  PartSchema,
  type TaskMessage,
  TaskMessageSchema,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { MeshError } from "../../model/errors.ts";

const MAX_PARTS = 1000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

const metadata = z.record(z.string(), z.json());

/** One part as a body gives it. */
const partForm = z
  .strictObject({
    text: z.string().exactOptional(),
    raw: z.string().regex(BASE64, "not base64").exactOptional().describe("bytes in base64"),
    url: z.string().min(1).exactOptional(),
    data: z.json().exactOptional(),
    filename: z.string().exactOptional(),
    media_type: z.string().exactOptional(),
    metadata: metadata.exactOptional(),
  })
  .refine(({ text, raw, url, data }) => countGiven([text, raw, url, data]) === 1, {
    message: "give one of text, raw, url and data",
  });

/** What all bodies that say something have. */
export const saidForm = {
  payload: z.json().exactOptional().describe("a text, or any other JSON value; instead of parts"),
  parts: z.array(partForm).min(1).max(MAX_PARTS).exactOptional().describe("instead of payload"),
  metadata: metadata.exactOptional(),
  message_id: z.string().min(1).max(256).exactOptional().describe("yours; a repeat of it changes nothing"),
  extensions: z.array(z.string()).max(100).exactOptional(),
  reference_task_ids: z.array(z.string()).max(100).exactOptional(),
};

export interface Said {
  readonly payload?: JsonValue;
  readonly parts?: readonly z.output<typeof partForm>[];
  readonly metadata?: Record<string, JsonValue>;
  readonly message_id?: string;
  readonly extensions?: readonly string[];
  readonly reference_task_ids?: readonly string[];
}

/** @throws MeshError invalid_argument when both are given */
export function partsFromSaid({ payload, parts }: Said): Part[] {
  if (payload !== undefined && parts !== undefined) {
    throw new MeshError("invalid_argument", "both payload and parts are given", {
      hint: "give payload for one text or JSON value, parts for everything else",
    });
  }
  if (parts !== undefined) return parts.map(partFromForm);
  if (payload === undefined) return [];
  return [create(PartSchema, { content: contentFromPayload(payload) })];
}

/** @throws MeshError invalid_argument without parts */
export function messageFromSaid(said: Said, contextId = ""): TaskMessage {
  const parts = partsFromSaid(said);
  if (parts.length === 0) {
    throw new MeshError("invalid_argument", "payload is missing", {
      hint: 'say something: {"payload": "<text or JSON>"} or {"parts": [{"text": "…"}]}',
    });
  }
  return create(TaskMessageSchema, {
    ...{ parts, contextId },
    messageId: said.message_id ?? "",
    extensions: [...(said.extensions ?? [])],
    referenceTaskIds: [...(said.reference_task_ids ?? [])],
    ...(said.metadata !== undefined && { metadata: said.metadata }),
  });
}

function contentFromPayload(payload: JsonValue): Part["content"] {
  if (typeof payload === "string") return { case: "text", value: payload };
  return { case: "data", value: valueFromJson(payload) };
}

function partFromForm({ text, raw, url, data, ...about }: z.output<typeof partForm>): Part {
  return create(PartSchema, {
    content: contentFromForm(text, raw, url, data),
    filename: about.filename ?? "",
    mediaType: about.media_type ?? "",
    ...(about.metadata !== undefined && { metadata: about.metadata }),
  });
}

function contentFromForm(
  text: string | undefined,
  raw: string | undefined,
  url: string | undefined,
  data: JsonValue | undefined,
): Part["content"] {
  if (text !== undefined) return { case: "text", value: text };
  if (raw !== undefined) return { case: "raw", value: Buffer.from(raw, "base64") };
  if (url !== undefined) return { case: "url", value: url };
  return { case: "data", value: valueFromJson(data ?? null) };
}

/** @throws MeshError invalid_argument for what the codec does not take: values nest some 30 levels at most */
function valueFromJson(json: JsonValue) {
  try {
    return fromJson(ValueSchema, json);
  } catch (cause) {
    throw new MeshError("invalid_argument", "a value is nested too deeply", {
      hint: "values nest at most 30 levels; send what is deeper as text or bytes",
      cause,
    });
  }
}

function countGiven(values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length;
}
