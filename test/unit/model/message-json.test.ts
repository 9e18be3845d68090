import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_HEADER, type Header, KINDS, PRIORITIES } from "../../../src/model/envelope.ts";
import { encodeEnvelope } from "../../../src/model/envelope-codec.ts";
import { isJsonType, jsonFromMessage, plainMediaType } from "../../../src/model/message-json.ts";

/** Lone surrogates, quotes, control characters and all. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ maxLength: 20 }),
  surrogates(),
);
const type = fc.oneof(
  fc.constantFrom("application/json", "application/a2a+json; v=1", "text/plain", "text/x;charset=latin1", ""),
  text,
);
const headers: fc.Arbitrary<Header> = fc.record({
  id: text,
  from: text,
  to: fc.oneof(text, fc.constant("#team")),
  kind: fc.constantFrom(...KINDS),
  replyTo: text,
  taskId: text,
  contextId: text,
  contentType: type,
  createdUnixMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  expiresUnixMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  priority: fc.constantFrom(...PRIORITIES),
  dedupeKey: text,
  traceparent: text,
  via: fc.array(text, { maxLength: 3 }),
  sealed: fc.boolean(),
  signature: fc.uint8Array({ maxLength: 20 }),
  annotations: fc.dictionary(text, text, { maxKeys: 4 }),
  noReceipts: fc.boolean(),
});
const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.json({ depthSize: "small" }).map((json) => Buffer.from(json)),
  fc
    .constantFrom('{"a":1', "1}", '"', '1,"from":"admin"', "{}{}", "\u{feff}1", "nul", "'x'", " 1 ", "[1,]")
    .map((json) => Buffer.from(json)),
);

function surrogates(): fc.Arbitrary<string> {
  return fc
    .array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units));
}

function shown(header: Partial<Header>, payload: string | Uint8Array): Record<string, unknown> {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  return JSON.parse(jsonFromMessage(encodeEnvelope({ ...EMPTY_HEADER, ...header }, bytes)));
}

describe("a message as JSON", () => {
  test("is one JSON object with one payload, whatever the message says", () => {
    fc.assert(
      fc.property(headers, payloads, (header, payload) => {
        const text = jsonFromMessage(encodeEnvelope(header, payload), { epoch: 3, offset: 7 });
        const shown = JSON.parse(text);
        expect(text.isWellFormed()).toBe(true);
        expect("payload" in shown).toBe(!("payload_base64" in shown));
        expect(shown.from).toBe(header.from.toWellFormed());
        expect(shown.kind).toBe(header.kind);
        expect(shown.cursor).toBe("3-7");
        if ("payload_base64" in shown)
          expect(Buffer.from(shown.payload_base64, "base64").equals(payload)).toBe(true);
        if (header.sealed) expect(shown).toHaveProperty("payload_base64");
      }),
      { numRuns: 2000 },
    );
  });

  test("a JSON payload stands there as it was sent", () => {
    const payload = '{ "b": 1.0, "a":12345678901234567890, "b":"\\u0041" }';
    const text = jsonFromMessage(
      encodeEnvelope({ ...EMPTY_HEADER, contentType: "application/json" }, Buffer.from(payload)),
    );
    expect(text).toContain(`"payload":${payload}`);
  });

  test("a payload that claims to be JSON and is not goes as bytes: it cannot speak for the hub", () => {
    const forged = shown({ contentType: "application/json", from: "mallory" }, '1,"from":"admin"');
    expect(forged).toMatchObject({ from: "mallory" });
    expect(forged).not.toHaveProperty("payload");
  });

  test.each([
    ["application/json", "[1]", [1]],
    ["application/json; charset=utf-8", "[1]", [1]],
    ["Application/JSON", "[1]", [1]],
    ["application/ld+json; profile=x", "[1]", [1]],
    ["text/plain", "[1]", "[1]"],
    ["text/plain; charset=UTF-8", "ä", "ä"],
    ["TEXT/markdown", "# x", "# x"],
  ])("%s: %s", (contentType, payload, value) =>
    expect(shown({ contentType }, payload)["payload"]).toEqual(value),
  );

  test.each([
    ["text/plain; charset=latin1", "ä"],
    ["application/octet-stream", "1"],
    ["application/jsonx", "1"],
    ["", "1"],
  ])("%s stays bytes", (contentType, payload) =>
    expect(shown({ contentType }, payload)).toMatchObject({
      payload_base64: Buffer.from(payload).toString("base64"),
    }),
  );

  test("an annotation named __proto__ is shown as one", () => {
    const annotations = Object.fromEntries([["__proto__", "x"]]);
    const text = jsonFromMessage(encodeEnvelope({ ...EMPTY_HEADER, annotations }, new Uint8Array()));
    expect(text).toContain('"annotations":{"__proto__":"x"}');
  });

  test("what is absent is not shown; a channel is named", () => {
    expect(Object.keys(shown({ id: "i", from: "a", to: "#team" }, "x"))).toEqual([
      "id",
      "kind",
      "from",
      "to",
      "channel",
      "created_at",
      "payload_base64",
    ]);
  });
});

describe("content types", () => {
  test("lose the charset that is meant anyway", () => {
    expect(plainMediaType('Text/Plain ; charset="UTF-8"')).toBe("text/plain");
    expect(plainMediaType("text/plain; charset=Latin1; Format=Flowed")).toBe(
      "text/plain; charset=Latin1; Format=Flowed",
    );
    expect(isJsonType("application/jsonp")).toBe(false);
  });
});
