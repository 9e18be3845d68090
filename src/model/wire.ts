import { MeshError } from "./errors.ts";

/** Wire types of protobuf (encoding guide, "message structure"). */
export const VARINT = 0;
export const I64 = 1;
export const BYTES = 2;
export const I32 = 5;

const TWO_POW_32 = 4_294_967_296;

/** The same bytes as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads protobuf wire format front to back. Every method throws MeshError malformed when the bytes end early. */
export class WireReader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = asBuffer(bytes);
    this.at = start;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** A varint as a number; bits above 2^53 lose precision, as nothing here counts that far. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.at >= this.end) throw brokenWire("a number is cut off");
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw brokenWire("a number is longer than 10 bytes");
  }

  /** Start of a length-delimited field; `at` moves behind it. */
  enter(): number {
    const length = this.varint();
    const start = this.at;
    if (length > this.end - start) throw brokenWire("a field is longer than its message");
    this.at = start + length;
    return start;
  }

  text(): string {
    const start = this.enter();
    return this.bytes.toString("utf8", start, this.at);
  }

  /** A view, not a copy. */
  slice(): Buffer {
    const start = this.enter();
    return this.bytes.subarray(start, this.at);
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === BYTES) this.enter();
    else if (wireType === I64) this.forward(8);
    else if (wireType === I32) this.forward(4);
    else throw brokenWire(`wire type ${wireType} is not in use`);
  }

  private forward(count: number): void {
    if (count > this.end - this.at) throw brokenWire("a number is cut off");
    this.at += count;
  }
}

export function brokenWire(reason: string): MeshError {
  return new MeshError("malformed", `not a protobuf message: ${reason}`, {
    hint: "encode with the schema in proto/meshkore/v1",
  });
}

/** Bytes that a varint of `value` takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Bytes of a text in UTF-8. */
export function textLength(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text, "utf8");
  }
  return text.length;
}

/** Writes protobuf wire format into a buffer whose size was computed before. */
export class WireWriter {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= TWO_POW_32) {
      this.bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    rest >>>= 0;
    while (rest >= 128) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Length and bytes of a text. */
  text(text: string): void {
    if (text.length >= 128 || !this.#shortAscii(text)) {
      const length = Buffer.byteLength(text, "utf8");
      this.varint(length);
      this.bytes.write(text, this.at, length, "utf8");
      this.at += length;
    }
  }

  /** Most texts are ids: one byte of length, then a byte per character. False when it is not such a text. */
  #shortAscii(text: string): boolean {
    const { bytes, at } = this;
    const { length } = text;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[at + 1 + index] = code;
    }
    bytes[at] = length;
    this.at = at + 1 + length;
    return true;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}
