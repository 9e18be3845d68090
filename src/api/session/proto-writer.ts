import { ERROR_CODES, type MeshError } from "../../model/errors.ts";
import type { Position } from "../../model/position.ts";
import { BYTES, textLength, VARINT, varintLength, WireWriter } from "../../model/wire.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import type { Sent } from "../relay-api.ts";
import type { FrameWriter, Welcome } from "./frames.ts";

const LEAST_BYTES = 1024;
const NO_BYTES = Buffer.alloc(0);
/** Of tag, length, epoch and offset of one delivery, at most. */
const DELIVERY_HEAD_BYTES = 48;

type Field = readonly [field: number, value: string | number | bigint];

/** Writes SessionResponse field by field into a growing buffer; stored envelopes go in as they are. */
export class ProtoFrameWriter implements FrameWriter {
  #out = new WireWriter(NO_BYTES);
  /** Of the last frame: the next one starts as large, so that growing and its copies are rare. */
  #lastBytes = 0;

  get size(): number {
    return this.#out.at;
  }

  welcome(welcome: Welcome): void {
    this.#message(1, [
      [1, welcome.agentId],
      [2, welcome.hubId],
      [3, welcome.cursor],
      [4, welcome.expiresUnixMs],
      [5, welcome.maxPayloadBytes],
      [6, welcome.maxFrameBytes],
    ]);
  }

  accepted(ref: number | string, sent: Sent): void {
    const number = exactNumber(ref);
    const { messageId, epoch, offset, duplicate } = sent;
    const idLength = textLength(messageId);
    const refLength = number === 0 ? 0 : 1 + numberLength(number);
    const length =
      refLength + 3 + varintLength(idLength) + idLength + varintLength(epoch) + varintLength(offset);
    this.#open(2, duplicate ? length + 2 : length);
    const out = this.#out;
    if (number !== 0) {
      out.tag(1, VARINT);
      this.#number(number);
    }
    out.tag(2, BYTES);
    out.text(messageId);
    out.tag(3, VARINT);
    out.varint(epoch);
    out.tag(4, VARINT);
    out.varint(offset);
    if (duplicate) {
      out.tag(6, VARINT);
      out.varint(1);
    }
  }

  refused(ref: number | string, error: MeshError): void {
    const detail = errorFields(error);
    const number = exactNumber(ref);
    const detailLength = lengthOf(detail);
    const length = lengthOf([[1, number]]) + 1 + varintLength(detailLength) + detailLength;
    this.#open(2, length);
    this.#fields([[1, number]]);
    this.#out.tag(5, BYTES);
    this.#out.varint(detailLength);
    this.#fields(detail);
  }

  deliver(records: readonly LogRecord[]): void {
    for (const record of records) {
      const { epoch, offset, bytes } = record;
      const envelopeLength = 1 + varintLength(bytes.length) + bytes.length;
      this.#reserve(DELIVERY_HEAD_BYTES + bytes.length);
      const out = this.#out;
      out.tag(3, BYTES);
      out.varint(2 + varintLength(epoch) + varintLength(offset) + envelopeLength);
      out.tag(1, VARINT);
      out.varint(epoch);
      out.tag(2, VARINT);
      out.varint(offset);
      out.tag(3, BYTES);
      out.varint(bytes.length);
      out.raw(bytes);
    }
  }

  failed(error: MeshError): void {
    this.#message(4, errorFields(error));
  }

  acked(position: Position): void {
    this.#message(5, [
      [1, position.epoch],
      [2, position.offset],
    ]);
  }

  pong(number: number | string): void {
    this.#reserve(16);
    this.#fields([[6, exactNumber(number)]]);
  }

  take(): Uint8Array | undefined {
    if (this.#out.at === 0) return undefined;
    const { bytes, at } = this.#out;
    // The frame is the listener's from now on; an idle session holds none.
    this.#out = new WireWriter(NO_BYTES);
    this.#lastBytes = at;
    return bytes.subarray(0, at);
  }

  #message(field: number, fields: readonly Field[]): void {
    this.#open(field, lengthOf(fields));
    this.#fields(fields);
  }

  #open(field: number, length: number): void {
    this.#reserve(length + 12);
    this.#out.tag(field, BYTES);
    this.#out.varint(length);
  }

  #fields(fields: readonly Field[]): void {
    for (const [field, value] of fields) {
      if (value === "" || value === 0) continue;
      if (typeof value === "string") {
        this.#out.tag(field, BYTES);
        this.#out.text(value);
      } else {
        this.#out.tag(field, VARINT);
        this.#number(value);
      }
    }
  }

  #number(value: number | bigint): void {
    if (typeof value === "number") {
      this.#out.varint(value);
      return;
    }
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#out.bytes[this.#out.at++] = Number(rest & 0x7fn) | 0x80;
    this.#out.bytes[this.#out.at++] = Number(rest);
  }

  #reserve(bytes: number): void {
    const { bytes: buffer, at } = this.#out;
    if (at + bytes <= buffer.length) return;
    const least = at === 0 ? Math.max(this.#lastBytes, LEAST_BYTES) : buffer.length * 2;
    const larger = Buffer.allocUnsafe(Math.max(least, at + bytes));
    buffer.copy(larger, 0, 0, at);
    this.#out = new WireWriter(larger, at);
  }
}

function lengthOf(fields: readonly Field[]): number {
  let length = 0;
  for (const [, value] of fields) {
    if (value === "" || value === 0) continue;
    if (typeof value === "string") {
      const bytes = textLength(value);
      length += 1 + varintLength(bytes) + bytes;
    } else length += 1 + numberLength(value);
  }
  return length;
}

function numberLength(value: number | bigint): number {
  return typeof value === "number" ? varintLength(value) : Math.ceil(value.toString(2).length / 7);
}

/** A number that came by this wire: a text when it is beyond what a number tells exactly. */
function exactNumber(text: number | string): number | bigint {
  return typeof text === "number" ? text : BigInt(text);
}

function errorFields(error: MeshError): readonly Field[] {
  return [
    [1, ERROR_CODES.indexOf(error.code) + 1],
    [2, error.message],
    [3, error.hint ?? ""],
    [4, error.retryAfterS ?? 0],
  ];
}
