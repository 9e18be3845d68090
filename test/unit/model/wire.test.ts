import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import { textLength, varintLength, WireReader, WireWriter } from "../../../src/model/wire.ts";

const number = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: 0, max: 53 }).map((bits) => Math.min(2 ** bits, Number.MAX_SAFE_INTEGER)),
  fc.integer({ min: 1, max: 53 }).map((bits) => 2 ** bits - 1),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 300 }),
);

function written(length: number, write: (writer: WireWriter) => void): Buffer {
  const writer = new WireWriter(Buffer.alloc(length));
  write(writer);
  expect(writer.at).toBe(length);
  return writer.bytes;
}

describe("numbers", () => {
  test("are written as protobuf-es writes them, and read back", () => {
    fc.assert(
      fc.property(number, (value) => {
        const bytes = written(varintLength(value), (writer) => writer.varint(value));
        expect(bytes.equals(new BinaryWriter().uint64(BigInt(value)).finish())).toBe(true);
        expect(new WireReader(bytes).varint()).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });

  test("are refused when they are cut off or endless", () => {
    for (const bytes of [[], [0x80], [0xff, 0xff], Array.from({ length: 11 }, () => 0x80)])
      expect(() => new WireReader(Uint8Array.from(bytes)).varint()).toThrow(MeshError);
  });
});

describe("texts", () => {
  test("are written as protobuf-es writes them, and read back", () => {
    fc.assert(
      fc.property(text, (value) => {
        const length = textLength(value);
        expect(length).toBe(Buffer.byteLength(value, "utf8"));
        const bytes = written(varintLength(length) + length, (writer) => writer.text(value));
        expect(bytes.equals(new BinaryWriter().string(value).finish())).toBe(true);
        expect(new WireReader(bytes).text()).toBe(value.toWellFormed());
      }),
      { numRuns: 1500 },
    );
  });
});

describe("a reader", () => {
  test("stays inside its part", () => {
    const bytes = Uint8Array.of(2, 1, 2, 3);
    expect(() => new WireReader(bytes, 0, 2).slice()).toThrow(MeshError);
    expect([...new WireReader(bytes, 0, 3).slice()]).toEqual([1, 2]);
  });

  test("skips what protobuf-es skips, to the same place", () => {
    const types = fc.constantFrom(WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32);
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 30 }), (wireType, bytes) => {
        const ours = placeAfter(() => {
          const reader = new WireReader(bytes);
          reader.skip(wireType);
          return reader.at;
        });
        const theirs = placeAfter(() => {
          const reader = new BinaryReader(bytes);
          reader.skip(wireType);
          return reader.pos;
        });
        expect(ours).toBe(theirs);
      }),
      { numRuns: 3000 },
    );
  });

  test("knows no groups and no types that do not exist", () => {
    for (const wireType of [3, 4, 6, 7])
      expect(() => new WireReader(new Uint8Array(9)).skip(wireType)).toThrow(MeshError);
  });
});

/** Undefined when the bytes are refused. */
function placeAfter(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
