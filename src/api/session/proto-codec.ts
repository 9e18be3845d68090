import { isUtf8 } from "node:buffer";
import { priorityFromNumber, withAnnotation } from "../../model/envelope-codec.ts";
import { MeshError } from "../../model/errors.ts";
import type { Position } from "../../model/position.ts";
import { BYTES, brokenWire, VARINT, WireReader } from "../../model/wire.ts";
import type { SendInput } from "../relay-api.ts";
import {
  type ClientFrame,
  type Flow,
  type FrameCodec,
  type Hello,
  MAX_SENDS,
  type SessionSend,
} from "./frames.ts";
import { ProtoFrameWriter } from "./proto-writer.ts";

/**
 * The binary wire of a session: meshkore.v1.SessionRequest and SessionResponse. Decoded by hand, because this is
 * the hot path; a property test holds it against protobuf-es. Numbers of fields: relay.proto.
 */
export const protoCodec: FrameCodec = {
  subprotocol: "meshkore.v1.proto",
  isBinary: true,
  read: readFrame,
  createWriter: () => new ProtoFrameWriter(),
};

function readFrame(data: Uint8Array): ClientFrame {
  const reader = new WireReader(data);
  const sends: SessionSend[] = [];
  let hello: Hello | undefined;
  let ack: Position | undefined;
  let flow: Flow | undefined;
  let ping: number | string = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 18) sends.push(readSend(inner(reader)));
    else if (tag === 26) ack = readPosition(inner(reader));
    else if (tag === 10) hello = readHello(inner(reader));
    else if (tag === 34) flow = readFlow(inner(reader));
    else if (tag === 40) ping = readExact(reader);
    else reader.skip(tag & 7);
  }
  if (sends.length > MAX_SENDS) throw tooManySends();
  return { hello, sends, ack, flow, ping };
}

function tooManySends(): MeshError {
  return new MeshError("invalid_argument", `a frame has at most ${MAX_SENDS} sends`, {
    hint: "send them in several frames",
  });
}

function inner(reader: WireReader): WireReader {
  const start = reader.enter();
  return new WireReader(reader.bytes, start, reader.at);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_PAYLOAD = new Uint8Array(0);
const OCTETS = "application/octet-stream";

function readSend(reader: WireReader): SessionSend {
  const input: Mutable<SendInput> = { to: "", payload: NO_PAYLOAD, contentType: OCTETS };
  let ref: number | string = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 10) input.to = reader.text();
    else if (tag === 18) input.payload = reader.slice();
    else if (tag === 120) ref = readExact(reader);
    else if ((tag & 7) === BYTES) readSendText(reader, input, tag >>> 3);
    else if ((tag & 7) === VARINT) readSendNumber(reader, input, tag >>> 3);
    else reader.skip(tag & 7);
  }
  return { ref, input };
}

function readSendText(reader: WireReader, input: Mutable<SendInput>, field: number): void {
  if (field === 3) input.contentType = reader.text() || OCTETS;
  else if (field === 4) input.replyTo = strictText(reader);
  else if (field === 5) input.dedupeKey = strictText(reader);
  else if (field === 8) input.contextId = strictText(reader);
  else if (field === 9) input.taskId = strictText(reader);
  else if (field === 10) input.traceparent = strictText(reader);
  else if (field === 13) input.annotations = withAnnotation(input.annotations ?? {}, reader);
  else reader.skip(BYTES);
}

/** What is not UTF-8 is refused: read with replacement characters, two dedupe keys could become one. */
function strictText(reader: WireReader): string {
  const start = reader.enter();
  const text = reader.bytes.toString("utf8", start, reader.at);
  if (text.includes("\ufffd") && !isUtf8(reader.bytes.subarray(start, reader.at)))
    throw brokenWire("a text is not UTF-8");
  return text;
}

/** In decimal digits beyond what a number tells exactly. */
function readExact(reader: WireReader): number | string {
  const start = reader.at;
  const value = reader.varint();
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  let exact = 0n;
  for (let at = reader.at - 1; at >= start; at--)
    exact = exact * 128n + BigInt((reader.bytes[at] ?? 0) & 0x7f);
  return String(BigInt.asUintN(64, exact));
}

function readSendNumber(reader: WireReader, input: Mutable<SendInput>, field: number): void {
  const value = reader.varint();
  if (field === 6) input.ttlMs = value;
  else if (field === 7) input.priority = priorityFromNumber(value);
  else if (field === 11) input.sealed = value !== 0;
  else if (field === 12) input.noReceipts = value !== 0;
}

function readPosition(reader: WireReader): Position {
  let epoch = 0;
  let offset = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 8) epoch = reader.varint();
    else if (tag === 16) offset = reader.varint();
    else reader.skip(tag & 7);
  }
  return { epoch, offset };
}

function readHello(reader: WireReader): Hello {
  const hello: Mutable<Hello> = { token: "", cursor: "", noDelivery: false, window: 0 };
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 10) hello.token = reader.text();
    else if (tag === 18) hello.cursor = reader.text();
    else if (tag === 24) hello.noDelivery = reader.varint() !== 0;
    else if (tag === 32) hello.window = reader.varint();
    else reader.skip(tag & 7);
  }
  return hello;
}

function readFlow(reader: WireReader): Flow {
  const flow: Mutable<Flow> = { pause: false, resume: false, window: 0 };
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 8) flow.pause = reader.varint() !== 0;
    else if (tag === 16) flow.resume = reader.varint() !== 0;
    else if (tag === 24) flow.window = reader.varint();
    else reader.skip(tag & 7);
  }
  return flow;
}
