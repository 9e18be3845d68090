import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Welcome } from "../../../../src/api/session/frames.ts";
import { ProtoFrameWriter } from "../../../../src/api/session/proto-writer.ts";
import {
  type SendResultSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../../src/gen/meshkore/v1/relay_pb.js";
import { ERROR_CODES, MeshError } from "../../../../src/model/errors.ts";

type ValueOf<Arb> = Arb extends fc.Arbitrary<infer Value> ? Value : never;

const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 30 }), fc.string({ maxLength: 200 }));
const count = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** As proto-codec gives them: text beyond what a number tells exactly. */
const ref = fc.oneof(
  count,
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map((big) => String(big)),
);
const error = fc.tuple(fc.constantFrom(...ERROR_CODES), text, fc.option(text), fc.option(uint32)).map(
  ([code, message, hint, retryAfterS]) =>
    new MeshError(code, message, {
      ...(hint !== null && { hint }),
      ...(retryAfterS !== null && { retryAfterS }),
    }),
);
const position = fc.record({ epoch: count, offset: count });
const record = fc.record({ epoch: count, offset: count, bytes: fc.uint8Array({ maxLength: 6000 }) });
const welcome: fc.Arbitrary<Welcome> = fc.record({
  agentId: text,
  hubId: text,
  cursor: text,
  expiresUnixMs: count,
  maxPayloadBytes: uint32,
  maxFrameBytes: uint32,
});
const step = fc.oneof(
  fc.record({
    kind: fc.constant("accepted" as const),
    ref,
    messageId: text,
    position,
    duplicate: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("refused" as const), ref, error }),
  fc.record({ kind: fc.constant("deliver" as const), records: fc.array(record, { maxLength: 4 }) }),
);
const frame = fc.record(
  {
    welcome,
    steps: fc.array(step, { maxLength: 12 }),
    failed: error,
    acked: position,
    pong: ref,
  },
  { requiredKeys: ["steps"] },
);

function written(content: ValueOf<typeof frame>, writer = new ProtoFrameWriter()): Uint8Array | undefined {
  if (content.welcome) writer.welcome(content.welcome);
  for (const one of content.steps) {
    if (one.kind === "accepted")
      writer.accepted(one.ref, { messageId: one.messageId, ...one.position, duplicate: one.duplicate });
    else if (one.kind === "refused") writer.refused(one.ref, one.error);
    else writer.deliver(one.records);
  }
  if (content.failed) writer.failed(content.failed);
  if (content.acked) writer.acked(content.acked);
  if (content.pong) writer.pong(content.pong);
  return writer.take();
}

function errorDetail(from: MeshError) {
  return {
    code: ERROR_CODES.indexOf(from.code) + 1,
    message: from.message,
    hint: from.hint ?? "",
    retryAfterS: from.retryAfterS ?? 0,
  };
}

function wanted(content: ValueOf<typeof frame>): SessionResponse {
  const big = ({ epoch, offset }: { epoch: number; offset: number }) => ({
    epoch: BigInt(epoch),
    offset: BigInt(offset),
  });
  return create(SessionResponseSchema, {
    ...(content.welcome && {
      welcome: { ...content.welcome, expiresUnixMs: BigInt(content.welcome.expiresUnixMs) },
    }),
    result: content.steps.flatMap((one): MessageInitShape<typeof SendResultSchema>[] => {
      if (one.kind === "accepted")
        return [
          { ref: BigInt(one.ref), messageId: one.messageId, ...big(one.position), duplicate: one.duplicate },
        ];
      return one.kind === "refused" ? [{ ref: BigInt(one.ref), error: errorDetail(one.error) }] : [];
    }),
    deliver: content.steps.flatMap((one) =>
      one.kind === "deliver" ? one.records.map((each) => ({ ...big(each), envelope: each.bytes })) : [],
    ),
    ...(content.failed && { error: errorDetail(content.failed) }),
    ...(content.acked && { acked: big(content.acked) }),
    pong: BigInt(content.pong ?? 0),
  });
}

describe("frames of the binary wire", () => {
  test("are what protobuf-es reads", () => {
    fc.assert(
      fc.property(frame, (content) => {
        const bytes = written(content) ?? new Uint8Array();
        const ours = toBinary(SessionResponseSchema, fromBinary(SessionResponseSchema, bytes));
        expect(Buffer.compare(ours, toBinary(SessionResponseSchema, wanted(content)))).toBe(0);
        expect(fromBinary(SessionResponseSchema, bytes).$unknown ?? []).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test("a writer starts anew after a frame, and does not touch the one that it gave", () => {
    fc.assert(
      fc.property(frame, frame, (one, two) => {
        const writer = new ProtoFrameWriter();
        const first = written(one, writer);
        const copy = bytesOf(first);
        const second = written(two, writer);
        expect(bytesOf(first)).toEqual(copy);
        expect(bytesOf(second)).toEqual(bytesOf(written(two)));
        expect(writer.size).toBe(0);
        expect(writer.take()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

function bytesOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && Uint8Array.from(bytes);
}
