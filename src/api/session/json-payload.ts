import { MeshError } from "../../model/errors.ts";
import { isJsonText, isJsonType } from "../../model/message-json.ts";

/** How a payload stands in a send of the JSON wire. */
export interface JsonPayload {
  /** The bytes of `payload`, as they came, and its value. */
  readonly raw: Uint8Array | undefined;
  readonly value: unknown;
  readonly base64: string | undefined;
  readonly contentType: string | undefined;
  readonly isSealed: boolean;
}

export interface TypedPayload {
  readonly payload: Uint8Array;
  readonly contentType: string;
}

/**
 * What is stored: for a JSON type the value's own bytes, for a text type the text, else the bytes behind base64.
 * @throws MeshError invalid_argument when the value is not of its type
 */
export function typedPayload({ raw, value, base64, contentType, isSealed }: JsonPayload): TypedPayload {
  if (raw !== undefined && base64 !== undefined)
    throw wrongPayload("payload and payload_base64 are both there", "send one of them");
  if (raw !== undefined) return fromValue(raw, value, contentType ?? "application/json");
  if (base64 === undefined) throw wrongPayload("a send has no payload", "add payload, any JSON value");
  const type = contentType ?? "application/octet-stream";
  const payload = Buffer.from(base64, "base64");
  if (isJsonType(type) && !isSealed && !isJsonText(payload))
    throw wrongPayload(`payload_base64 is not JSON, as content_type ${type} says`, "send JSON as payload");
  return { payload, contentType: type };
}

function fromValue(raw: Uint8Array, value: unknown, contentType: string): TypedPayload {
  if (isJsonType(contentType)) return { payload: raw, contentType };
  if (contentType.startsWith("text/") && typeof value === "string" && value.isWellFormed())
    return { payload: Buffer.from(value, "utf8"), contentType };
  throw wrongPayload(
    `payload is not a value for content_type ${contentType}`,
    "JSON types take any value, text/… types a string of valid Unicode, all others payload_base64",
  );
}

function wrongPayload(message: string, hint: string): MeshError {
  return new MeshError("invalid_argument", message, { hint });
}
