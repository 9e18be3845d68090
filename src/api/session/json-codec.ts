import { z } from "zod";
import { PRIORITIES } from "../../model/envelope.ts";
import { ERROR_CODES, MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import { readJsonMembers, sliceJsonArray } from "../../model/json-members.ts";
import { jsonFromMessage, plainMediaType } from "../../model/message-json.ts";
import { cursorFromPosition, type Position, positionFromCursor } from "../../model/position.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import type { SendInput, Sent } from "../relay-api.ts";
import {
  type ClientFrame,
  type FrameCodec,
  type FrameWriter,
  MAX_SENDS,
  type SessionSend,
  type Welcome,
} from "./frames.ts";
import { typedPayload } from "./json-payload.ts";

/** The JSON wire of a session: the field names of REST, payloads as natural JSON. */
export const jsonCodec: FrameCodec = {
  subprotocol: "meshkore.v1.json",
  isBinary: false,
  read: readFrame,
  createWriter: () => new JsonFrameWriter(),
};

const frameSchema = z.strictObject({
  hello: z
    .strictObject({
      token: z.string().default(""),
      cursor: z.string().default(""),
      no_delivery: z.boolean().default(false),
      window: z.int().min(0).max(1_000_000).default(0),
    })
    .optional(),
  send: z.array(z.unknown()).max(MAX_SENDS).optional(),
  ack: z.string().optional(),
  flow: z
    .strictObject({
      pause: z.boolean().default(false),
      resume: z.boolean().default(false),
      window: z.int().min(0).max(1_000_000).default(0),
    })
    .optional(),
  ping: z.int().min(0).optional(),
});

const refSchema = z.union([z.number(), z.string().max(128)]).default(0);

/** Not z.record: that one leaves a key `__proto__` out without a word. */
const annotationsSchema = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((note) => typeof note === "string"),
  "expected an object whose values are strings",
);

const sendSchema = z.strictObject({
  ref: refSchema,
  to: z.string(),
  payload: z.unknown().optional(),
  payload_base64: z.base64().optional(),
  content_type: z.string().transform(plainMediaType).optional(),
  reply_to: z.string().optional(),
  dedupe_key: z.string().optional(),
  ttl_s: z.number().positive().optional(),
  priority: z.enum(PRIORITIES).optional(),
  context_id: z.string().optional(),
  task_id: z.string().optional(),
  traceparent: z.string().optional(),
  sealed: z.boolean().optional(),
  receipts: z.boolean().optional(),
  annotations: annotationsSchema.optional(),
});

function readFrame(data: Uint8Array): ClientFrame {
  const { value, raw } = readJsonMembers(data);
  const frame = checked(frameSchema, value, "frame");
  const { hello, flow } = frame;
  return {
    hello: hello && {
      token: hello.token,
      cursor: hello.cursor,
      noDelivery: hello.no_delivery,
      window: hello.window,
    },
    sends: frame.send === undefined ? [] : sliceJsonArray(raw.get("send") ?? data).map(readSend),
    ack: frame.ack === undefined ? undefined : positionFromCursor(frame.ack),
    flow,
    ping: frame.ping ?? 0,
  };
}

function readSend(element: Uint8Array): SessionSend {
  const { value, raw } = readJsonMembers(element);
  try {
    const { ref, ...send } = checked(sendSchema, value, "send");
    return { ref, input: sendInput(send, raw.get("payload")) };
  } catch (thrown) {
    return { ref: refOf(value), input: meshErrorFromUnknown(thrown) };
  }
}

function sendInput(send: Omit<z.infer<typeof sendSchema>, "ref">, raw: Uint8Array | undefined): SendInput {
  return {
    to: send.to,
    ...typedPayload({
      raw,
      value: send.payload,
      base64: send.payload_base64,
      contentType: send.content_type,
      isSealed: send.sealed === true,
    }),
    ...optional("replyTo", send.reply_to),
    ...optional("dedupeKey", send.dedupe_key),
    ...optional("ttlMs", send.ttl_s === undefined ? undefined : Math.max(1, Math.round(send.ttl_s * 1000))),
    ...optional("priority", send.priority),
    ...optional("contextId", send.context_id),
    ...optional("taskId", send.task_id),
    ...optional("traceparent", send.traceparent),
    ...optional("sealed", send.sealed),
    ...optional("noReceipts", send.receipts === undefined ? undefined : !send.receipts),
    ...optional("annotations", send.annotations),
  };
}

/** Also of a send that cannot be read, so that its sender knows which one it was. */
function refOf(send: unknown): number | string {
  const parsed = refSchema.safeParse(Object(send)["ref"]);
  return parsed.success ? parsed.data : 0;
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue === undefined || issue.path.length === 0 ? what : issue.path.join(".");
  throw new MeshError("invalid_argument", `${path}: ${issue?.message ?? "not as expected"}`, {
    hint: `a ${what} has the fields ${Object.keys(what === "frame" ? frameSchema.shape : sendSchema.shape).join(", ")}`,
  });
}

/** Gathers parts of a frame as JSON texts. */
class JsonFrameWriter implements FrameWriter {
  #parts: string[] = [];
  #results: string[] = [];
  #deliveries: string[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  welcome(welcome: Welcome): void {
    this.#part("welcome", {
      agent_id: welcome.agentId,
      hub_id: welcome.hubId,
      cursor: welcome.cursor,
      expires_at: welcome.expiresUnixMs === 0 ? undefined : new Date(welcome.expiresUnixMs).toISOString(),
      max_payload_bytes: welcome.maxPayloadBytes,
      max_frame_bytes: welcome.maxFrameBytes,
    });
  }

  accepted(ref: number | string, sent: Sent): void {
    const duplicate = sent.duplicate ? true : undefined;
    const position = cursorFromPosition(sent);
    this.#result({ ref, message_id: sent.messageId, status: "accepted", position, duplicate });
  }

  refused(ref: number | string, error: MeshError): void {
    this.#result({ ref, error: errorJson(error) });
  }

  deliver(records: readonly LogRecord[]): void {
    for (const record of records) {
      const message = jsonFromMessage(record.bytes, record);
      this.#deliveries.push(message);
      this.#size += message.length;
    }
  }

  acked(position: Position): void {
    this.#part("acked", cursorFromPosition(position));
  }

  pong(number: number | string): void {
    this.#part("pong", number);
  }

  failed(error: MeshError): void {
    this.#part("error", errorJson(error));
  }

  take(): string | undefined {
    const parts = this.#parts;
    if (this.#results.length > 0) parts.push(`"result":[${this.#results.join(",")}]`);
    if (this.#deliveries.length > 0) parts.push(`"deliver":[${this.#deliveries.join(",")}]`);
    this.#parts = [];
    this.#results = [];
    this.#deliveries = [];
    this.#size = 0;
    return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
  }

  /** A later part of the same name replaces an earlier one: the newest position is the one that counts. */
  #part(name: string, value: unknown): void {
    const start = `"${name}":`;
    this.#parts = this.#parts.filter((part) => !part.startsWith(start));
    this.#parts.push(`${start}${JSON.stringify(value)}`);
    this.#size += 100;
  }

  #result(result: object): void {
    const text = JSON.stringify(result);
    this.#results.push(text);
    this.#size += text.length;
  }
}

function errorJson(error: MeshError): object {
  return {
    code: ERROR_CODES.includes(error.code) ? error.code : "internal",
    message: error.message,
    hint: error.hint,
    retry_after_s: error.retryAfterS,
  };
}
