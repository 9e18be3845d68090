import { MeshError } from "./errors.ts";

const MAX_DEPTH = 128;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A JSON text, read, and where its top-level members stand in the bytes. */
export interface JsonMembers {
  readonly value: unknown;
  /** For an object: the bytes of each member's value, exactly as they came. Empty for other values. */
  readonly raw: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a JSON text of at most 128 levels, and keeps the bytes of each top-level member, so that a payload is
 * stored as it was sent (numbers of any length, key order, spacing inside).
 * @throws MeshError malformed
 */
export function readJsonMembers(bytes: Uint8Array): JsonMembers {
  checkDepth(bytes);
  const value = parse(bytes);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return { value, raw: isObject ? sliceMembers(bytes) : new Map() };
}

/** Whether the bytes are one JSON text of at most 128 levels in valid UTF-8. */
export function isJsonText(bytes: Uint8Array): boolean {
  try {
    readJsonMembers(bytes);
    return true;
  } catch (thrown) {
    if (thrown instanceof MeshError) return false;
    throw thrown;
  }
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch (cause) {
    throw new MeshError("malformed", "the body is not valid UTF-8", { hint: "send JSON as UTF-8", cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 120) : "unreadable";
    throw new MeshError("malformed", `the body is not JSON: ${reason}`, {
      hint: "send one JSON object with content-type application/json",
      cause,
    });
  }
}

/** Runs before the parser, so that no depth of brackets reaches it. */
function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at) - 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) {
        throw new MeshError("malformed", `the JSON is nested deeper than ${MAX_DEPTH} levels`, {
          hint: "flatten it, or send it as text",
        });
      }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
}

/** After the closing quote; the end of the bytes when there is none. */
function endOfString(bytes: Uint8Array, openQuote: number): number {
  for (let at = openQuote + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return bytes.length;
}

/** Only for bytes that the parser took as an object: nothing is checked again. */
function sliceMembers(bytes: Uint8Array): Map<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  let at = bytes.indexOf(OPEN_BRACE) + 1;
  for (;;) {
    const keyStart = skipUntil(bytes, at, QUOTE, CLOSE_BRACE);
    if (bytes[keyStart] !== QUOTE) return members;
    const keyEnd = endOfString(bytes, keyStart);
    const key: unknown = JSON.parse(strictUtf8.decode(bytes.subarray(keyStart, keyEnd)));
    const valueStart = skipSpace(bytes, skipUntil(bytes, keyEnd, COLON, COLON) + 1);
    const valueEnd = endOfValue(bytes, valueStart);
    if (typeof key === "string") members.set(key, bytes.subarray(valueStart, valueEnd));
    at = skipUntil(bytes, valueEnd, COMMA, CLOSE_BRACE);
    if (bytes[at] !== COMMA) return members;
    at++;
  }
}

function endOfValue(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (depth > 0 && (byte === CLOSE_BRACE || byte === CLOSE_BRACKET)) {
      if (--depth === 0) return at + 1;
    } else if (
      depth === 0 &&
      (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20)
    )
      return at;
    at++;
  }
  return at;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0x21) <= 0x20) at++;
  return at;
}

function skipUntil(bytes: Uint8Array, from: number, one: number, other: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== one && bytes[at] !== other) at++;
  return at;
}

/** The bytes of each element of a JSON array, exactly as they came. Only for bytes that were parsed before. */
export function sliceJsonArray(bytes: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let at = skipSpace(bytes, bytes.indexOf(OPEN_BRACKET) + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_BRACKET) {
    const end = endOfValue(bytes, at);
    elements.push(bytes.subarray(at, end));
    at = skipUntil(bytes, end, COMMA, CLOSE_BRACKET);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return elements;
}
