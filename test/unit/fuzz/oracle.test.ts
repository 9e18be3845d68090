import { describe, expect, test } from "vitest";
import { hexOf, inputFromHex } from "../../fuzz/input.ts";
import { growthFaults } from "../../fuzz/oracle/growth.ts";
import { faultOf } from "../../fuzz/oracle/judge.ts";
import type { Observation } from "../../fuzz/throw-input.ts";

const INPUT = { label: "a request", segments: [Buffer.from("GET / HTTP/1.1\r\n\r\n")] };
const IN_SESSION = { ...INPUT, opening: Buffer.from("GET /ws"), openingEnd: "\r\n\r\n" };

function observed(answer: string | Buffer, more: Partial<Observation> = {}): Observation {
  const bytes = Buffer.isBuffer(answer) ? answer : Buffer.from(answer, "latin1");
  return { answer: bytes, isClosed: true, isComplete: true, failure: undefined, ...more };
}

describe("what the fuzz takes for wrong", () => {
  test.each([
    ["a failed call", "HTTP/1.1 500 Internal Server Error\r\n\r\n"],
    ["a failed call behind others", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n"],
    ["a place in the code", 'HTTP/1.1 400 Bad Request\r\n\r\n{"x":"at Foo.bar (file.ts:3:4)"}'],
    ["the name of an error", "HTTP/1.1 400 Bad Request\r\n\r\nTypeError: x"],
    ["a query", "HTTP/1.1 409 Conflict\r\n\r\nSQLITE_CONSTRAINT"],
    ["an internal error in a frame", '{"error":{"code":"internal"}}'],
  ])("%s", (_name, answer) => {
    expect(faultOf(INPUT, observed(answer))).toBeDefined();
  });

  test("a session that failed, by its close code", () => {
    const failed = Buffer.from([0x81, 1, 0x78, 0x88, 2, 0x03, 0xf3]);
    expect(faultOf(IN_SESSION, observed(failed))).toBe("the session failed");
    const refused = Buffer.from([0x81, 1, 0x78, 0x88, 2, 0x11, 0x30]);
    expect(faultOf(IN_SESSION, observed(refused))).toBeUndefined();
  });

  test("silence, but only where there must be an answer", () => {
    const silence = observed("", { isComplete: false, isClosed: false });
    expect(faultOf(INPUT, silence)).toBeUndefined();
    expect(faultOf({ ...INPUT, mustAnswer: true }, silence)).toBe("no answer came");
  });

  test("no connection", () => {
    expect(faultOf(INPUT, observed("", { failure: "the hub takes no connections" }))).toBeDefined();
  });

  test.each([
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "HTTP/1.1 501 Not Implemented\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\n\r\n",
  ])("but not %j", (answer) => {
    expect(faultOf(INPUT, observed(answer))).toBeUndefined();
  });

  test("growth after the warm-up, and not before", () => {
    const rest = { files: 40, residentBytes: 100_000_000, heapBytes: 20_000_000, bufferBytes: 0 };
    const grown = { ...rest, heapBytes: 60_000_000 };
    expect(growthFaults([rest, grown, grown, grown])).toEqual([]);
    expect(growthFaults([rest, rest, rest, grown])).toHaveLength(1);
    expect(growthFaults([rest, rest, rest, { ...rest, bufferBytes: 90_000_000 }])).toHaveLength(1);
    expect(growthFaults([rest, rest, rest, { ...rest, residentBytes: 300_000_000 }])).toHaveLength(1);
  });
});

test("an input comes back from its hex", () => {
  for (const input of [INPUT, IN_SESSION]) {
    const again = inputFromHex(hexOf(input));
    expect(again.segments).toEqual(input.segments);
    expect(hexOf(again)).toBe(hexOf(input));
  }
  expect(() => inputFromHex("xyz")).toThrow("not the hex");
});
