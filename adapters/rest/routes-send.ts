import { z } from "zod";
import {
  acceptedMembers,
  acceptedShape,
  type Call,
  isJsonText,
  jsonFromMessage,
  MeshError,
  present,
  type RelayApi,
  repliedShape,
  type SendInput,
} from "../../src/adapter-kit.ts";
import { acceptedAnswer, rawAnswer } from "./answers.ts";
import type { Body } from "./body.ts";
import { param } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import { waitMsParameter } from "./query.ts";
import { inJson } from "./shapes.ts";

const text = z.string().min(1).exactOptional();
// Not z.record: that one leaves a key `__proto__` out without a word.
const annotations = z
  .unknown()
  .meta({ type: "object", additionalProperties: { type: "string" } })
  .transform((value, context): Record<string, string> => {
    const entries =
      typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    if (
      value === null ||
      typeof value !== "object" ||
      Array.isArray(value) ||
      texts.length < entries.length
    ) {
      context.addIssue({ code: "custom", message: "expected an object whose values are strings" });
      return z.NEVER;
    }
    const map: Record<string, string> = Object.create(null);
    for (const [key, note] of texts) map[key] = note;
    return map;
  });

const sendFields = {
  // Read from the bytes, so that it is stored as it was sent.
  payload: z.unknown().optional().describe("any JSON value, or text with a content_type of text/…"),
  payload_base64: z.string().exactOptional().describe("instead of payload, for bytes"),
  content_type: z
    .string()
    .max(255)
    .regex(
      /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+( *; *[\w-]+=("[^"\\]*"|[\w!#$&^.+-]+))*$/,
      "expected a media type, such as text/plain",
    )
    .exactOptional(),
  reply_to: text,
  dedupe_key: text,
  ttl_s: z.number().positive().max(315_360_000).exactOptional(),
  priority: z.enum(["low", "normal", "high"]).exactOptional(),
  context_id: text,
  task_id: text,
  sealed: z.boolean().exactOptional(),
  receipts: z.boolean().exactOptional(),
  annotations: annotations.optional(),
};
const REST_OF_SEND =
  '"reply_to"?, "dedupe_key"?, "ttl_s"?, "receipts"?: false, "content_type"?, "context_id"?}';
// Checked where the payload is read, since only the bytes tell whether there is one.
const ONE_PAYLOAD = { oneOf: [{ required: ["payload"] }, { required: ["payload_base64"] }] };
const channelSendForm = {
  schema: z.strictObject(sendFields).meta(ONE_PAYLOAD),
  expects: `{"payload": <any JSON>, ${REST_OF_SEND}`,
  example: { payload: "hello, all" },
};
const sendForm = {
  schema: z
    .strictObject({ to: z.string().min(1).describe("agent, agent@hub or #channel"), ...sendFields })
    .meta(ONE_PAYLOAD),
  expects: `{"to": "<agent, agent@hub or #channel>", "payload": <any JSON>, ${REST_OF_SEND}`,
  example: { to: "bob", payload: { text: "hello" }, dedupe_key: "order-7" },
};

const SENDS = { group: "Messages", refusals: ["not_found", "inbox_full", "storage_full"] } as const;

/** Everything that appends a message. */
export function sendOperations(relay: RelayApi): readonly Operation[] {
  return [send(relay), sendToChannel(relay), redrive(relay)];
}

function send(relay: RelayApi): Operation {
  return operation({
    ...SENDS,
    method: "POST",
    path: "/send",
    id: "send",
    summary: "Send a message",
    description:
      "The answer means that the message is durable. The payload is stored as the bytes that you sent.",
    query: { wait: waitMsParameter("seconds to wait for a message whose reply_to is the new id") },
    body: sendForm,
    answers: {
      200: inJson("with `?wait`: accepted, and here is the reply", repliedShape),
      202: inJson(
        "accepted; with `?wait` also `reply: null`, when none came in time",
        acceptedShape.extend({ reply: z.null().optional() }),
      ),
    },
    handle: async ({ call, query, body }) => {
      const input = sendInputFromBody(body, body.fields.to, call);
      const waitMs = query.wait ?? 0;
      if (waitMs === 0) return acceptedAnswer(await relay.send(call, input));
      const { sent, reply } = await relay.request(call, input, waitMs);
      const replyText = reply === undefined ? "null" : jsonFromMessage(reply.bytes, reply);
      return rawAnswer(reply === undefined ? 202 : 200, `{${acceptedMembers(sent)},"reply":${replyText}}`);
    },
  });
}

function sendToChannel(relay: RelayApi): Operation {
  return operation({
    ...SENDS,
    method: "POST",
    path: "/channels/:id/send",
    id: "sendToChannel",
    group: "Channels",
    summary: "Send a message to all in a channel",
    params: { id: "the channel's name" },
    query: {},
    body: channelSendForm,
    answers: { 202: inJson("accepted", acceptedShape) },
    handle: async (incoming) => {
      const { call, body } = incoming;
      const to = `#${param(incoming, "id").replace(/^#/, "")}`;
      return acceptedAnswer(await relay.send(call, sendInputFromBody(body, to, call)));
    },
  });
}

function redrive(relay: RelayApi): Operation {
  return operation({
    ...SENDS,
    method: "POST",
    path: "/messages/:id/redrive",
    id: "redrive",
    summary: "Send a dead message of yours again",
    params: { id: "the message's id" },
    answers: { 202: inJson("accepted, under a new id", acceptedShape) },
    handle: async (incoming) => acceptedAnswer(await relay.redrive(incoming.call, param(incoming, "id"))),
  });
}

function sendInputFromBody(
  { fields, raw }: Body<typeof channelSendForm.schema>,
  to: string,
  call: Call,
): SendInput {
  const { payload, contentType } = payloadFromBody(fields, raw);
  return {
    to,
    payload,
    contentType,
    ...present({
      replyTo: fields.reply_to,
      dedupeKey: fields.dedupe_key,
      ttlMs: fields.ttl_s === undefined ? undefined : Math.max(1, Math.round(fields.ttl_s * 1000)),
      priority: fields.priority,
      contextId: fields.context_id,
      taskId: fields.task_id,
      traceparent: call.traceparent,
      sealed: fields.sealed,
      noReceipts: fields.receipts === false ? true : undefined,
      annotations: fields.annotations,
    }),
  };
}

interface TypedPayload {
  readonly payload: Uint8Array;
  readonly contentType: string;
}

function payloadFromBody(
  fields: Body<typeof channelSendForm.schema>["fields"],
  raw: ReadonlyMap<string, Uint8Array>,
): TypedPayload {
  const json = raw.get("payload");
  const base64 = fields.payload_base64;
  const contentType = plainType(fields.content_type);
  if (json !== undefined && base64 !== undefined) {
    throw wrongPayload("payload and payload_base64 are both there", "send one of them");
  }
  if (json !== undefined) return payloadFromJson(json, fields.payload, contentType ?? "application/json");
  if (base64 === undefined) {
    throw wrongPayload(
      "payload is missing",
      'expected "payload": <any JSON value>, or "payload_base64" with "content_type"',
    );
  }
  return payloadFromBase64(base64, contentType ?? "application/octet-stream", fields.sealed === true);
}

/** Lower case, and without the charset that is meant anyway; other parameters stay as they are. */
function plainType(contentType: string | undefined): string | undefined {
  return contentType?.replace(/ *; *charset="?utf-8"?$/i, "").replace(/^[^;]+/, (type) => type.toLowerCase());
}

function payloadFromJson(json: Uint8Array, value: unknown, contentType: string): TypedPayload {
  if (isJsonType(contentType)) return { payload: json, contentType };
  if (contentType.startsWith("text/") && typeof value === "string" && value.isWellFormed()) {
    return { payload: Buffer.from(value, "utf8"), contentType };
  }
  throw wrongPayload(
    `payload: not a value for content_type ${contentType}`,
    "JSON types take any value, text/… types a string of valid Unicode, all others payload_base64",
  );
}

function payloadFromBase64(base64: string, contentType: string, isSealed: boolean): TypedPayload {
  const payload = Buffer.from(base64, "base64");
  if (payload.toString("base64") !== base64) {
    throw wrongPayload(
      "payload_base64: not base64",
      "use the standard alphabet with padding (RFC 4648, section 4)",
    );
  }
  if (isJsonType(contentType) && !isSealed && !isJsonText(payload)) {
    throw wrongPayload(
      `payload_base64: not JSON, as content_type ${contentType} says`,
      "send JSON as payload",
    );
  }
  return { payload, contentType };
}

function isJsonType(type: string): boolean {
  return type === "application/json" || type.endsWith("+json");
}

function wrongPayload(message: string, hint: string): MeshError {
  return new MeshError("invalid_argument", message, { hint });
}
