import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_SENDS, type SessionSend } from "../../../../src/api/session/frames.ts";
import { jsonCodec } from "../../../../src/api/session/json-codec.ts";
import { EMPTY_HEADER } from "../../../../src/model/envelope.ts";
import { encodeEnvelope } from "../../../../src/model/envelope-codec.ts";
import { ERROR_CODES, MeshError } from "../../../../src/model/errors.ts";

function read(text: string) {
  return jsonCodec.read(Buffer.from(text));
}

function readSend(fields: object): SessionSend | undefined {
  return read(JSON.stringify({ send: [{ to: "bob", payload: 1, ...fields }] })).sends[0];
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MeshError);
    return Object(thrown)["code"];
  }
  return undefined;
}

describe("a frame of the JSON wire", () => {
  test("garbage gives a frame, malformed or invalid_argument, nothing else", () => {
    const frame = fc.record(
      {
        hello: fc.oneof(
          fc.record({ token: fc.string(), window: fc.integer() }, { requiredKeys: [] }),
          fc.jsonValue(),
        ),
        send: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
        ack: fc.oneof(fc.constant("1-1"), fc.jsonValue()),
        flow: fc.oneof(fc.record({ pause: fc.boolean() }), fc.jsonValue()),
        ping: fc.oneof(fc.nat(), fc.jsonValue()),
        __proto__: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
      fc.json().map((text) => Buffer.from(text)),
      frame.map((each) => Buffer.from(JSON.stringify(each))),
      fc.tuple(frame, fc.nat()).map(([each, cut]) => {
        const whole = Buffer.from(JSON.stringify(each));
        return whole.subarray(0, cut % (whole.length + 1));
      }),
    );
    fc.assert(
      fc.property(bytes, (each) => {
        expect([undefined, "malformed", "invalid_argument"]).toContain(codeOf(() => jsonCodec.read(each)));
      }),
      { numRuns: 3000 },
    );
  });

  test("each send is read or refused alone, by its ref, and payloads are the bytes that stood there", () => {
    const payload = fc.json({ depthSize: "small" });
    const bad = fc.constantFrom("1", "null", "[]", "{}", '{"to":"b"}', '{"to":"b","payload":1,"x":1}');
    const element = fc.oneof(
      payload.map((json) => ({ text: `{"ref":"r","payload": ${json} ,"to":"b"}`, json })),
      bad.map((text) => ({ text, json: undefined })),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 10 }), (elements) => {
        const { sends } = read(`{"send":[ ${elements.map(({ text }) => text).join(" ,\n")} ]}`);
        expect(
          sends.map(({ input }) => (input instanceof MeshError ? undefined : String(input.payload))),
        ).toEqual(elements.map(({ json }) => json));
      }),
      { numRuns: 500 },
    );
  });

  test("a ref is given back also when the send is wrong; what is no ref is 0", () => {
    expect(readSend({ ref: "mine", to: 5 })).toMatchObject({
      ref: "mine",
      input: { code: "invalid_argument" },
    });
    expect(readSend({ ref: 7, sealed: "no" })).toMatchObject({ ref: 7 });
    expect(readSend({ ref: { a: 1 } })).toMatchObject({ ref: 0, input: { code: "invalid_argument" } });
  });

  test("an annotation named __proto__ is an annotation", () => {
    const annotations = JSON.parse('{"__proto__":"x","a":"b"}');
    expect(JSON.stringify(Object(readSend({ annotations })?.input)["annotations"])).toBe(
      '{"__proto__":"x","a":"b"}',
    );
  });

  test.each([
    [{ payload: "plain", content_type: "Text/Plain; charset=utf-8" }, "text/plain", "plain"],
    [{ payload: "quoted" }, "application/json", '"quoted"'],
    [{ payload: [1], content_type: "application/a2a+json" }, "application/a2a+json", "[1]"],
  ])("%j is stored as %s", (fields, contentType, text) => {
    const input = Object(readSend(fields)?.input);
    expect([input.contentType, String(input.payload)]).toEqual([contentType, text]);
  });

  test("bytes come as base64", () => {
    const { sends } = read('{"send":[{"to":"b","payload_base64":"AP8="}]}');
    expect(sends[0]?.input).toMatchObject({ contentType: "application/octet-stream" });
    expect([...Object(sends[0]?.input)["payload"]]).toEqual([0, 255]);
  });

  test("has a bound of sends", () => {
    const sends = (count: number) => JSON.stringify({ send: Array.from({ length: count }, () => 0) });
    expect(read(sends(MAX_SENDS)).sends).toHaveLength(MAX_SENDS);
    expect(codeOf(() => read(sends(MAX_SENDS + 1)))).toBe("invalid_argument");
  });

  test("of two members of one name the last counts, for value and bytes alike", () => {
    const { sends, ping } = read(
      '{"ping":1,"send":[],"send":[{"to":"a","to":"b","payload":1,"payload":2}],"ping":2}',
    );
    expect(ping).toBe(2);
    expect(sends[0]?.input).toMatchObject({ to: "b" });
    expect(String(Object(sends[0]?.input)["payload"])).toBe("2");
  });
});

describe("frames of the hub on the JSON wire", () => {
  test("are JSON whatever is in them, and say all of it", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const error = fc
      .tuple(fc.constantFrom(...ERROR_CODES), text, text, fc.nat())
      .map(([code, message, hint, retryAfterS]) => new MeshError(code, message, { hint, retryAfterS }));
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
    fc.assert(
      fc.property(error, text, payloads, fc.nat(), (refusal, ref, contents, ping) => {
        const writer = jsonCodec.createWriter();
        writer.refused(ref, refusal);
        writer.accepted(ref, { messageId: "m", epoch: 1, offset: 2, duplicate: ping % 2 === 0 });
        writer.deliver(
          contents.map((payload, offset) => ({
            epoch: 1,
            offset,
            bytes: encodeEnvelope({ ...EMPTY_HEADER, from: ref, contentType: "application/json" }, payload),
          })),
        );
        writer.pong(ping);
        writer.acked({ epoch: 1, offset: 1 });
        writer.acked({ epoch: 1, offset: 9 });
        writer.failed(refusal);
        const frame = JSON.parse(String(writer.take()));
        expect(frame).toMatchObject({ pong: ping, acked: "1-9", error: { code: refusal.code } });
        expect(frame.result.map((each: { ref: unknown }) => each.ref)).toEqual([ref, ref]);
        expect(frame.deliver ?? []).toHaveLength(contents.length);
        expect([writer.take(), writer.size]).toEqual([undefined, 0]);
      }),
      { numRuns: 500 },
    );
  });
});
