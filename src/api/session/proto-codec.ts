import { PRIORITIES } from "../../model/envelope.ts";
import { priorityFromNumber, withAnnotation } from "../../model/envelope-codec.ts";

import type { Position } from "../../model/position.ts";
import { BYTES, brokenWire, VARINT, WireReader } from "../../model/wire.ts";
import type { SendInput } from "../relay-api.ts";
import type { ClientFrame, Flow, FrameCodec, Hello, SessionSend } from "./frames.ts";
import { ProtoFrameWriter } from "./proto-writer.ts";

/**
 * The binary wire of a session: meshkore.v1.SessionRequest and SessionResponse. Decoded by hand, because this is
 * the hot path; a property test holds it against protobuf-es. Numbers of fields: relay.proto.
 */
export const protoCodec: FrameCodec = {
  subprotocol: "meshkore.v1.proto",
  read: readFrame,
  createWriter: () => new ProtoFrameWriter(),
};

function readFrame(data: Uint8Array): ClientFrame {
  const reader = new WireReader(data);
  const sends: SessionSend[] = [];
  let hello: Hello | undefined;
  let ack: Position | undefined;
  let flow: Flow | undefined;
  let ping = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 18) sends.push(readSend(inner(reader)));
    else if (tag === 26) ack = readPosition(inner(reader));
    else if (tag === 10) hello = readHello(inner(reader));
    else if (tag === 34) flow = readFlow(inner(reader));
    else if (tag === 40) ping = reader.varint();
    else reader.skip(tag & 7);
  }
  return { hello, sends, ack, flow, ping };
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
  let ref = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 10) input.to = reader.text();
    else if (tag === 18) input.payload = reader.slice();
    else if (tag === 120) ref = reader.varint();
    else if ((tag & 7) === BYTES) readSendText(reader, input, tag >>> 3);
    else if ((tag & 7) === VARINT) readSendNumber(reader, input, tag >>> 3);
    else reader.skip(tag & 7);
  }
  if (input.to === "") throw brokenWire("a send has no 'to'");
  return { ref, input };
}

function readSendText(reader: WireReader, input: Mutable<SendInput>, field: number): void {
  if (field === 3) input.contentType = reader.text() || OCTETS;
  else if (field === 4) input.replyTo = reader.text();
  else if (field === 5) input.dedupeKey = reader.text();
  else if (field === 8) input.contextId = reader.text();
  else if (field === 9) input.taskId = reader.text();
  else if (field === 10) input.traceparent = reader.text();
  else if (field === 13) input.annotations = withAnnotation(input.annotations ?? {}, reader);
  else reader.skip(BYTES);
}

function readSendNumber(reader: WireReader, input: Mutable<SendInput>, field: number): void {
  const value = reader.varint();
  if (field === 6) input.ttlMs = value;
  else if (field === 7) input.priority = priorityFromNumber(Math.min(value, PRIORITIES.length));
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
