import type { LanePayload } from "./load/payload.ts";
import type { Outbox } from "./outbox.ts";

/** Field tags of `meshkore.v1`: number and wire type in one byte, as they are on the wire. */
const SEND = 0x12; // SessionRequest.send
const SEND_REF = 0x78; // SendRequest.ref
const ACK = 0x1a; // SessionRequest.ack
const NO_RECEIPTS = 0x60; // SendRequest.no_receipts

export type SendTemplate = {
  /** A SendRequest without its ref. */
  body: Buffer;
  payloadStart: number;
  payload: LanePayload;
};

/** Everything that is the same in all messages of a lane, encoded once. */
export function sendTemplate(to: string, payload: LanePayload, contentType: string): SendTemplate {
  const head = Buffer.concat([textField(0x0a, to), Buffer.from([0x12]), varint(payload.bytes)]);
  const tail = Buffer.concat([textField(0x1a, contentType), Buffer.from([NO_RECEIPTS, 1])]);
  const body = Buffer.concat([head, payload.blank(), tail]);
  return { body, payloadStart: head.length, payload };
}

/** `ref` is `seq + 1`, since 0 stands for none. */
export function pushSend(outbox: Outbox, template: SendTemplate, seq: number): void {
  const { body, payloadStart, payload } = template;
  const ref = seq + 1;
  const bytes = body.length + 1 + varintBytes(ref);
  const start = outbox.reserve(1 + varintBytes(bytes) + bytes);
  const buffer = outbox.buffer;
  buffer[start] = SEND;
  const bodyStart = writeVarint(buffer, start + 1, bytes);
  body.copy(buffer, bodyStart);
  payload.stamp(buffer, bodyStart + payloadStart, seq);
  buffer[bodyStart + body.length] = SEND_REF;
  outbox.advance(writeVarint(buffer, bodyStart + body.length + 1, ref) - start);
}

export function pushAck(outbox: Outbox, epoch: number, offset: number): void {
  const bytes = 2 + varintBytes(epoch) + varintBytes(offset);
  const start = outbox.reserve(2 + bytes);
  const buffer = outbox.buffer;
  buffer[start] = ACK;
  buffer[start + 1] = bytes;
  buffer[start + 2] = 0x08;
  const at = writeVarint(buffer, start + 3, epoch);
  buffer[at] = 0x10;
  outbox.advance(writeVarint(buffer, at + 1, offset) - start);
}

function textField(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const buffer = Buffer.alloc(varintBytes(value));
  writeVarint(buffer, 0, value);
  return buffer;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Answers where the next byte goes. */
function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    buffer[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = rest;
  return at;
}
