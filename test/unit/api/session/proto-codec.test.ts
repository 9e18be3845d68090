import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClientFrame, MAX_SENDS } from "../../../../src/api/session/frames.ts";
import { protoCodec } from "../../../../src/api/session/proto-codec.ts";
import {
  SendRequestSchema,
  type SessionRequest,
  SessionRequestSchema,
} from "../../../../src/gen/meshkore/v1/relay_pb.js";
import { PRIORITIES } from "../../../../src/model/envelope.ts";
import { MeshError } from "../../../../src/model/errors.ts";

type ValueOf<Arb> = Arb extends fc.Arbitrary<infer Value> ? Value : never;

const text = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ maxLength: 30 }),
);
const count = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 0n, max: 200n }),
  fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
);
const anyUint64 = fc.oneof(count, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const uint32 = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_ffff }));

const send = fc.record({
  to: text,
  payload: fc.uint8Array({ maxLength: 300 }),
  contentType: text,
  replyTo: text,
  dedupeKey: text,
  ttlMs: count,
  priority: fc.integer({ min: 0, max: 3 }),
  contextId: text,
  taskId: text,
  traceparent: text,
  sealed: fc.boolean(),
  noReceipts: fc.boolean(),
  annotations: fc.dictionary(
    fc.string({ maxLength: 10 }).filter((key) => key !== "__proto__"),
    text,
    { maxKeys: 4 },
  ),
  ref: anyUint64,
});
const hello = fc.record({ token: text, cursor: text, noDelivery: fc.boolean(), window: uint32 });
const ack = fc.record({ epoch: count, offset: count });
const flow = fc.record({ pause: fc.boolean(), resume: fc.boolean(), window: uint32 });
const request = fc.record(
  { hello, send: fc.array(send, { maxLength: 5 }), ack, flow, ping: anyUint64 },
  { requiredKeys: [] },
);

function encoded(init: ValueOf<typeof request>): Uint8Array {
  return toBinary(SessionRequestSchema, create(SessionRequestSchema, init));
}

/** What our reader makes of it, in the words of protobuf-es, for a comparison field by field. */
function asRequest(frame: ClientFrame): SessionRequest {
  return create(SessionRequestSchema, {
    ...(frame.hello && { hello: frame.hello }),
    send: frame.sends.map(({ ref, input }) => {
      if (input instanceof MeshError) throw input;
      return {
        to: input.to,
        payload: new Uint8Array(input.payload),
        contentType: input.contentType === "application/octet-stream" ? "" : input.contentType,
        replyTo: input.replyTo ?? "",
        dedupeKey: input.dedupeKey ?? "",
        ttlMs: BigInt(input.ttlMs ?? 0),
        priority: input.priority === undefined ? 0 : PRIORITIES.indexOf(input.priority) + 1,
        contextId: input.contextId ?? "",
        taskId: input.taskId ?? "",
        traceparent: input.traceparent ?? "",
        sealed: input.sealed ?? false,
        noReceipts: input.noReceipts ?? false,
        annotations: { ...input.annotations },
        ref: BigInt(ref),
      };
    }),
    ...(frame.ack && { ack: { epoch: BigInt(frame.ack.epoch), offset: BigInt(frame.ack.offset) } }),
    ...(frame.flow && { flow: frame.flow }),
    ping: BigInt(frame.ping),
  });
}

function expectSame(bytes: Uint8Array): void {
  const ours = toBinary(SessionRequestSchema, asRequest(protoCodec.read(bytes)));
  const theirs = toBinary(SessionRequestSchema, fromBinary(SessionRequestSchema, bytes), {
    writeUnknownFields: false,
  });
  expect(Buffer.compare(ours, theirs)).toBe(0);
}

/** The parts of an encoded message, each with its tag. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const fields: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const wireType = varint() & 7;
    const number = varint();
    if (wireType === 2) at += number;
    fields.push(bytes.subarray(start, at));
  }
  return fields;
}

const unknownField = fc.record({
  number: fc.integer({ min: 100, max: 536_870_911 }),
  type: fc.constantFrom(WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32),
  content: fc.uint8Array({ maxLength: 20 }),
});

function encodedUnknown({ number, type, content }: ValueOf<typeof unknownField>): Uint8Array {
  const writer = new BinaryWriter().tag(number, type);
  if (type === WireType.Varint) writer.uint64(BigInt(content.length) ** 10n);
  else if (type === WireType.Bit64) writer.fixed64(BigInt(content.length));
  else if (type === WireType.Bit32) writer.fixed32(content.length);
  else writer.bytes(content);
  return writer.finish();
}

function errorOf(read: () => unknown): unknown {
  try {
    read();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe("the binary wire", () => {
  test("is read as protobuf-es writes it", () => {
    fc.assert(
      fc.property(request, (init) => expectSame(encoded(init))),
      { numRuns: 1500 },
    );
  });

  test("in any order, repeated, with fields that nobody knows", () => {
    const parts = fc.tuple(
      fc.array(request, { minLength: 1, maxLength: 3 }),
      fc.array(unknownField, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 30 }),
    );
    fc.assert(
      fc.property(parts, ([inits, unknown, order]) => {
        // hello, ack and flow once: a repeated message is merged by protobuf and replaced by us, see below.
        const [first, ...others] = inits;
        const fields = fieldsOf(encoded(first ?? {}));
        for (const { send: sends, ping } of others)
          fields.push(...fieldsOf(encoded({ ...(sends && { send: sends }), ...(ping && { ping }) })));
        fields.push(...unknown.map(encodedUnknown));
        for (const [index, seed] of order.entries()) {
          const other = seed % Math.max(1, fields.length);
          const [one, two] = [fields[index], fields[other]];
          if (one !== undefined && two !== undefined) [fields[index], fields[other]] = [two, one];
        }
        expectSame(Buffer.concat(fields));
      }),
      { numRuns: 1000 },
    );
  });

  test("unknown fields inside a send do not matter", () => {
    fc.assert(
      fc.property(send, fc.array(unknownField, { minLength: 1, maxLength: 3 }), (one, unknown) => {
        const bare = toBinary(SendRequestSchema, create(SendRequestSchema, one));
        const body = Buffer.concat([...unknown.map(encodedUnknown), bare, ...unknown.map(encodedUnknown)]);
        expectSame(new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(body).finish());
      }),
      { numRuns: 500 },
    );
  });

  test("arbitrary bytes give a frame or malformed, nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const error = errorOf(() => protoCodec.read(bytes));
        if (error !== undefined) expect(error).toMatchObject({ name: "MeshError", code: "malformed" });
      }),
      { numRuns: 5000 },
    );
  });

  test("a cut or changed frame gives a frame or malformed, nothing else", () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }), (init, cut, at, byte) => {
        const whole = encoded(init);
        const bytes = Uint8Array.from(whole.subarray(0, whole.length - (cut % (whole.length + 1))));
        if (at % 2 === 0 && bytes.length > 0) bytes[at % bytes.length] = byte;
        const error = errorOf(() => protoCodec.read(bytes));
        if (error !== undefined) expect(error).toMatchObject({ name: "MeshError", code: "malformed" });
      }),
      { numRuns: 3000 },
    );
  });

  test("a repeated part of a kind that stands once replaces the one before", () => {
    const both = Buffer.concat([
      encoded({ ack: { epoch: 1n, offset: 5n } }),
      encoded({ ack: { epoch: 1n, offset: 7n } }),
    ]);
    expect(protoCodec.read(both).ack).toEqual({ epoch: 1, offset: 7 });
  });

  test("an empty frame says nothing", () => {
    expect(protoCodec.read(new Uint8Array())).toEqual({
      hello: undefined,
      sends: [],
      ack: undefined,
      flow: undefined,
      ping: 0,
    });
  });

  test("texts that are not UTF-8 are refused: two dedupe keys never become one", () => {
    for (const field of [4, 5, 8, 9, 10]) {
      const body = new BinaryWriter()
        .tag(field, WireType.LengthDelimited)
        .bytes(Uint8Array.of(0xff))
        .finish();
      const frame = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(body).finish();
      expect(errorOf(() => protoCodec.read(frame))).toMatchObject({ code: "malformed" });
    }
    expectSame(encoded({ send: [{ ...blank, dedupeKey: "\ufffd" }] }));
  });

  test("a priority that nobody knows is a normal one", () => {
    const [sent] = protoCodec.read(encoded({ send: [{ ...blank, priority: 99 }] })).sends;
    expect(sent?.input).toMatchObject({ priority: "normal" });
  });

  test("an annotation named __proto__ is an annotation", () => {
    const annotations = Object.fromEntries([["__proto__", "x"]]);
    const [sent] = protoCodec.read(encoded({ send: [{ ...blank, annotations }] })).sends;
    expect(JSON.stringify(Object(sent?.input)["annotations"])).toBe('{"__proto__":"x"}');
    expect(Object.prototype).not.toHaveProperty("x");
  });

  test("a frame has a bound of sends", () => {
    const sends = (number: number) => encoded({ send: Array.from({ length: number }, () => blank) });
    expect(protoCodec.read(sends(MAX_SENDS)).sends).toHaveLength(MAX_SENDS);
    expect(errorOf(() => protoCodec.read(sends(MAX_SENDS + 1)))).toMatchObject({ code: "invalid_argument" });
  });
});

const blank: ValueOf<typeof send> = {
  to: "bob",
  payload: new Uint8Array(),
  contentType: "",
  replyTo: "",
  dedupeKey: "",
  ttlMs: 0n,
  priority: 0,
  contextId: "",
  taskId: "",
  traceparent: "",
  sealed: false,
  noReceipts: false,
  annotations: {},
  ref: 0n,
};
