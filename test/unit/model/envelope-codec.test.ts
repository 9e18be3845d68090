import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnvelopeSchema } from "../../../src/gen/meshkore/v1/envelope_pb.js";
import { type Header, KINDS, PRIORITIES } from "../../../src/model/envelope.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  headerLength,
  peekEnvelope,
} from "../../../src/model/envelope-codec.ts";
import { MeshError } from "../../../src/model/errors.ts";

const text = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ maxLength: 200 }),
);
const moment = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const headers: fc.Arbitrary<Header> = fc.record({
  id: text,
  from: text,
  to: text,
  kind: fc.constantFrom(...KINDS),
  replyTo: text,
  taskId: text,
  contextId: text,
  contentType: text,
  createdUnixMs: moment,
  expiresUnixMs: moment,
  priority: fc.constantFrom(...PRIORITIES),
  dedupeKey: text,
  traceparent: text,
  via: fc.array(text, { maxLength: 4 }),
  sealed: fc.boolean(),
  signature: fc.uint8Array({ maxLength: 200 }),
  annotations: fc.dictionary(fc.string({ maxLength: 20 }), text, { maxKeys: 5 }),
  noReceipts: fc.boolean(),
});
const payloads = fc.uint8Array({ maxLength: 2000 });

function encodedByProtobufEs(header: Header, payload: Uint8Array): Uint8Array {
  return toBinary(
    EnvelopeSchema,
    create(EnvelopeSchema, {
      header: {
        ...header,
        via: [...header.via],
        annotations: { ...header.annotations },
        kind: KINDS.indexOf(header.kind) + 1,
        priority: header.priority === "normal" ? 0 : PRIORITIES.indexOf(header.priority) + 1,
        createdUnixMs: BigInt(header.createdUnixMs),
        expiresUnixMs: BigInt(header.expiresUnixMs),
      },
      payload,
    }),
  );
}

describe("the static envelope codec", () => {
  it("writes the same bytes as protobuf-es", () => {
    fc.assert(
      fc.property(headers, payloads, (header, payload) => {
        const ours = encodeEnvelope(header, payload);
        expect(Buffer.compare(ours, encodedByProtobufEs(header, payload))).toBe(0);
        expect(fromBinary(EnvelopeSchema, ours).header?.id).toBe(header.id);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads back what it wrote, whole and by peeking", () => {
    fc.assert(
      fc.property(headers, payloads, (header, payload) => {
        const bytes = encodeEnvelope(header, payload);
        const back = decodeEnvelope(bytes);
        expect({
          ...back.header,
          signature: [...back.header.signature],
          annotations: { ...back.header.annotations },
        }).toEqual({
          ...header,
          signature: [...header.signature],
          annotations: { ...header.annotations },
        });
        expect(Buffer.compare(back.payload, payload)).toBe(0);
        const facts = peekEnvelope(bytes);
        expect(facts.kind).toBe(header.kind);
        expect(facts.expiresUnixMs).toBe(header.expiresUnixMs);
        expect(facts.noReceipts).toBe(header.noReceipts);
      }),
    );
  });

  it("knows the length of a header before writing it", () => {
    fc.assert(
      fc.property(headers, (header) => {
        const bytes = encodeEnvelope(header, new Uint8Array(0));
        expect(decodeEnvelope(bytes).header.id).toBe(header.id);
        expect(bytes.length - headerLength(header)).toBeLessThanOrEqual(6);
      }),
    );
  });

  it("answers arbitrary bytes with a typed error or a message, never with anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of [decodeEnvelope, peekEnvelope]) {
          try {
            read(bytes);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MeshError);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});
