import {
  EMPTY_HEADER,
  type Envelope,
  type Header,
  KINDS,
  type Kind,
  PRIORITIES,
  type Priority,
} from "./envelope.ts";
import { BYTES, brokenWire, textLength, VARINT, varintLength, WireReader, WireWriter } from "./wire.ts";

/**
 * A static codec of meshkore.v1.Envelope for the hot path: the same bytes as protobuf-es gives (a property test
 * proves it), several times faster. Numbers of fields: envelope.proto.
 */

/** How many bytes `encodeEnvelope` writes for the header alone. */
export function headerLength(header: Header): number {
  let size = textFieldsLength(header) + numberFieldsLength(header);
  for (const hub of header.via) size += sizeOfText(14, hub);
  if (header.signature.length > 0) size += sizeOfBytes(16, header.signature.length);
  for (const key in header.annotations)
    size += sizeOfBytes(17, annotationLength(key, header.annotations[key]));
  return size;
}

function textFieldsLength(header: Header): number {
  return (
    sizeIfText(1, header.id) +
    sizeIfText(2, header.from) +
    sizeIfText(3, header.to) +
    sizeIfText(5, header.replyTo) +
    sizeIfText(6, header.taskId) +
    sizeIfText(7, header.contextId) +
    sizeIfText(8, header.contentType) +
    sizeIfText(12, header.dedupeKey) +
    sizeIfText(13, header.traceparent)
  );
}

function numberFieldsLength(header: Header): number {
  let size = 1 + varintLength(kindNumber(header.kind));
  if (header.createdUnixMs !== 0) size += 1 + varintLength(header.createdUnixMs);
  if (header.expiresUnixMs !== 0) size += 1 + varintLength(header.expiresUnixMs);
  if (header.priority !== "normal") size += 2;
  if (header.sealed) size += 2;
  if (header.noReceipts) size += 3;
  return size;
}

/** Encodes once, in one buffer of the exact size. `headerBytes`: what `headerLength` gave, when it was asked before. */
export function encodeEnvelope(
  header: Header,
  payload: Uint8Array,
  headerBytes: number = headerLength(header),
): Buffer {
  const payloadBytes = payload.length === 0 ? 0 : sizeOfBytes(2, payload.length);
  const writer = new WireWriter(Buffer.allocUnsafe(sizeOfBytes(1, headerBytes) + payloadBytes));
  writer.tag(1, BYTES);
  writer.varint(headerBytes);
  writeHeader(writer, header);
  if (payload.length > 0) {
    writer.tag(2, BYTES);
    writer.varint(payload.length);
    writer.raw(payload);
  }
  return writer.bytes;
}

function writeHeader(writer: WireWriter, header: Header): void {
  writeText(writer, 1, header.id);
  writeText(writer, 2, header.from);
  writeText(writer, 3, header.to);
  writeNumber(writer, 4, kindNumber(header.kind));
  writeText(writer, 5, header.replyTo);
  writeText(writer, 6, header.taskId);
  writeText(writer, 7, header.contextId);
  writeText(writer, 8, header.contentType);
  writeNumber(writer, 9, header.createdUnixMs);
  writeNumber(writer, 10, header.expiresUnixMs);
  writeNumber(writer, 11, header.priority === "normal" ? 0 : PRIORITIES.indexOf(header.priority) + 1);
  writeText(writer, 12, header.dedupeKey);
  writeText(writer, 13, header.traceparent);
  for (const hub of header.via) writeAlways(writer, 14, hub);
  writeNumber(writer, 15, header.sealed ? 1 : 0);
  if (header.signature.length > 0) {
    writer.tag(16, BYTES);
    writer.varint(header.signature.length);
    writer.raw(header.signature);
  }
  for (const key in header.annotations) {
    const value = header.annotations[key] ?? "";
    writer.tag(17, BYTES);
    writer.varint(annotationLength(key, value));
    writeAlways(writer, 1, key);
    writeAlways(writer, 2, value);
  }
  writeNumber(writer, 18, header.noReceipts ? 1 : 0);
}

function kindNumber(kind: Kind): number {
  return KINDS.indexOf(kind) + 1;
}

function sizeIfText(field: number, text: string): number {
  return text === "" ? 0 : sizeOfText(field, text);
}

function sizeOfText(field: number, text: string): number {
  return sizeOfBytes(field, textLength(text));
}

function sizeOfBytes(field: number, length: number): number {
  return (field < 16 ? 1 : 2) + varintLength(length) + length;
}

function annotationLength(key: string, value: string | undefined): number {
  return sizeOfText(1, key) + sizeOfText(2, value ?? "");
}

function writeText(writer: WireWriter, field: number, text: string): void {
  if (text !== "") writeAlways(writer, field, text);
}

function writeAlways(writer: WireWriter, field: number, text: string): void {
  writer.tag(field, BYTES);
  writer.text(text);
}

function writeNumber(writer: WireWriter, field: number, value: number): void {
  if (value === 0) return;
  writer.tag(field, VARINT);
  writer.varint(value);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Decodes; the payload is a view of `bytes`. Unknown fields are skipped.
 * @throws MeshError malformed
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new WireReader(bytes);
  let header: Header = EMPTY_HEADER;
  let payload: Uint8Array = EMPTY_HEADER.signature;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 10) {
      const start = reader.enter();
      header = decodeHeader(new WireReader(reader.bytes, start, reader.at));
    } else if (tag === 18) payload = reader.slice();
    else reader.skip(tag & 7);
  }
  return { header, payload };
}

const TEXT_FIELDS: Readonly<
  Record<
    number,
    "id" | "from" | "to" | "replyTo" | "taskId" | "contextId" | "contentType" | "dedupeKey" | "traceparent"
  >
> = {
  1: "id",
  2: "from",
  3: "to",
  5: "replyTo",
  6: "taskId",
  7: "contextId",
  8: "contentType",
  12: "dedupeKey",
  13: "traceparent",
};

function decodeHeader(reader: WireReader): Header {
  const header: Mutable<Header> = { ...EMPTY_HEADER };
  while (!reader.done) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    const name = TEXT_FIELDS[field];
    if ((tag & 7) === BYTES && name !== undefined) header[name] = reader.text();
    else decodeOther(reader, header, field, tag & 7);
  }
  return header;
}

function decodeOther(reader: WireReader, header: Mutable<Header>, field: number, wireType: number): void {
  if (wireType === VARINT) {
    const value = reader.varint();
    if (field === 4) header.kind = KINDS[value - 1] ?? "MESSAGE";
    else if (field === 9) header.createdUnixMs = value;
    else if (field === 10) header.expiresUnixMs = value;
    else if (field === 11) header.priority = priorityFromNumber(value);
    else if (field === 15) header.sealed = value !== 0;
    else if (field === 18) header.noReceipts = value !== 0;
  } else if (wireType === BYTES && field === 14) header.via = [...header.via, reader.text()];
  else if (wireType === BYTES && field === 16) header.signature = reader.slice();
  else if (wireType === BYTES && field === 17)
    header.annotations = withAnnotation(header.annotations, reader);
  else reader.skip(wireType);
}

export function priorityFromNumber(value: number): Priority {
  return PRIORITIES[value - 1] ?? "normal";
}

/** Null-prototype maps, so that a key such as `__proto__` is just a key. */
export function withAnnotation(
  annotations: Readonly<Record<string, string>>,
  reader: WireReader,
): Readonly<Record<string, string>> {
  const start = reader.enter();
  const entry = new WireReader(reader.bytes, start, reader.at);
  let key = "";
  let value = "";
  while (!entry.done) {
    const tag = entry.varint();
    if (tag === 10) key = entry.text();
    else if (tag === 18) value = entry.text();
    else entry.skip(tag & 7);
  }
  const copy: Record<string, string> = Object.assign(Object.create(null), annotations);
  copy[key] = value;
  return copy;
}

/** What delivery needs of a stored envelope, found without decoding the rest. */
export class EnvelopeFacts {
  kind: Kind = "MESSAGE";
  expiresUnixMs = 0;
  noReceipts = false;
  toChannel = false;
  readonly #reader: WireReader;
  #idAt = -1;
  #fromAt = -1;

  /** @throws MeshError malformed */
  constructor(bytes: Uint8Array) {
    const reader = new WireReader(bytes);
    this.#reader = reader;
    if (reader.varint() !== 10) throw brokenWire("an envelope starts with its header");
    const start = reader.enter();
    const end = reader.at;
    reader.at = start;
    while (reader.at < end) this.#readField(reader, reader.varint());
    if (reader.at > end) throw brokenWire("a field is longer than its message");
  }

  /** Decoded when asked for: most records pass without anybody asking. */
  get id(): string {
    return this.#asciiAt(this.#idAt);
  }

  get from(): string {
    return this.#asciiAt(this.#fromAt);
  }

  #readField(reader: WireReader, tag: number): void {
    if (tag === 10) this.#idAt = this.#skipText(reader);
    else if (tag === 18) this.#fromAt = this.#skipText(reader);
    else if (tag === 26) this.toChannel = reader.bytes[reader.enter()] === HASH;
    else if (tag === 32) this.kind = KINDS[reader.varint() - 1] ?? "MESSAGE";
    else if (tag === 80) this.expiresUnixMs = reader.varint();
    else if (tag === 144) this.noReceipts = reader.varint() !== 0;
    else reader.skip(tag & 7);
  }

  #skipText(reader: WireReader): number {
    const at = reader.at;
    reader.enter();
    return at;
  }

  /** Ids and addresses are ASCII, which decodes faster. */
  #asciiAt(at: number): string {
    if (at < 0) return "";
    const reader = this.#reader;
    reader.at = at;
    const start = reader.enter();
    return reader.bytes.toString("latin1", start, reader.at);
  }
}

const HASH = 0x23;

/** Reads the facts; cheap enough for every record on its way out. @throws MeshError malformed */
export function peekEnvelope(bytes: Uint8Array): EnvelopeFacts {
  return new EnvelopeFacts(bytes);
}
