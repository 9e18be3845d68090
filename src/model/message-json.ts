import type { Header } from "./envelope.ts";
import { decodeEnvelope } from "./envelope-codec.ts";
import { isJsonText } from "./json-members.ts";
import type { Position } from "./position.ts";
import { cursorFromPosition } from "./position.ts";
import { TASK_EVENT_TYPE } from "./task.ts";
import { jsonFromTaskPayload } from "./task-json.ts";

export { isJsonText } from "./json-members.ts";

/** JSON text of one message, as every JSON surface shows it. */
export type MessageJson = string;

const MAX_DATE_MS = 8_640_000_000_000_000;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Writes a stored envelope as JSON. A JSON payload stands there as it was sent; text becomes a JSON string; all
 * else goes as base64 in `payload_base64`, and so does a payload that claims to be JSON or text and is not. A task's
 * event stands there with all its members (`payload`, `parts`, `state`, `artifact`…).
 * `position` adds the cursor of a delivered message.
 */
export function jsonFromMessage(envelope: Uint8Array, position?: Position): MessageJson {
  const { header, payload } = decodeEnvelope(envelope);
  const head = JSON.stringify(headerJson(header));
  const cursor = position === undefined ? "" : `,"cursor":"${cursorFromPosition(position)}"`;
  return `${head.slice(0, -1)}${payloadMembers(header, payload)}${cursor}}`;
}

function headerJson(header: Header): Record<string, unknown> {
  const optional = (text: string): string | undefined => (text === "" ? undefined : text);
  return {
    id: header.id,
    kind: header.kind,
    from: header.from,
    to: header.to,
    channel: header.to.startsWith("#") ? header.to.slice(1) : undefined,
    reply_to: optional(header.replyTo),
    task_id: optional(header.taskId),
    context_id: optional(header.contextId),
    content_type: optional(header.contentType),
    created_at: timeText(header.createdUnixMs),
    expires_at: header.expiresUnixMs === 0 ? undefined : timeText(header.expiresUnixMs),
    priority: header.priority === "normal" ? undefined : header.priority,
    dedupe_key: optional(header.dedupeKey),
    traceparent: optional(header.traceparent),
    via: header.via.length === 0 ? undefined : header.via,
    sealed: header.sealed || undefined,
    annotations: Object.keys(header.annotations).length === 0 ? undefined : header.annotations,
  };
}

/** Of the last moment that a Date can tell, for what is later: an envelope is written whatever it says. */
function timeText(unixMs: number): string {
  return new Date(Math.min(unixMs, MAX_DATE_MS)).toISOString();
}

function payloadMembers(header: Header, payload: Uint8Array): string {
  if (header.contentType !== TASK_EVENT_TYPE) return `,${payloadMember(header, payload)}`;
  const members = JSON.stringify(jsonFromTaskPayload(payload)).slice(1, -1);
  return members === "" ? "" : `,${members}`;
}

function payloadMember(header: Header, payload: Uint8Array): string {
  const type = header.contentType;
  if (!header.sealed && isJsonType(type) && isJsonText(payload)) return `"payload":${text(payload)}`;
  if (!header.sealed && isUtf8TextType(type)) {
    try {
      return `"payload":${JSON.stringify(strictUtf8.decode(payload))}`;
    } catch {
      // Not the text that it claims to be: the reader gets the bytes below.
    }
  }
  return `"payload_base64":"${Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64")}"`;
}

/** Whether a content type promises JSON text. */
export function isJsonType(contentType: string): boolean {
  const type = contentType.replace(/;.*$/s, "").trim().toLowerCase();
  return type === "application/json" || type.endsWith("+json");
}

/** Lower case, and without the charset that is meant anyway; other parameters stay as they are. */
export function plainMediaType(contentType: string): string {
  return contentType.replace(/ *; *charset="?utf-8"?$/i, "").replace(/^[^;]+/, (type) => type.toLowerCase());
}

/** Text of another charset stays bytes: decoded as UTF-8 it would be another text. */
function isUtf8TextType(contentType: string): boolean {
  const type = plainMediaType(contentType);
  return type.startsWith("text/") && !/; *charset=(?!"?us-ascii"?)/i.test(type);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
