import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkedHead } from "../../../src/listeners/response-head.ts";

describe("a response head", () => {
  test("has the status in words and the headers in order", () => {
    const head = checkedHead({ status: 429, headers: { "retry-after": "2", "x-a": "b" }, body: "" });
    expect(head.statusLine).toBe("429 Too Many Requests");
    expect(head.headers).toEqual([
      ["retry-after", "2"],
      ["x-a", "b"],
    ]);
  });

  test.each([
    [200, true],
    [204, false],
    [304, false],
    [404, true],
    [499, true],
  ])("%d has a body: %s", (status, hasBody) => {
    expect(checkedHead({ status, headers: {}, body: "" }).hasBody).toBe(hasBody);
  });

  test.each([0, 100, 199, 600, Number.NaN, 200.5])("refuses the status %d", (status) => {
    expect(() => checkedHead({ status, headers: {}, body: "" })).toThrow(
      expect.objectContaining({ code: "internal" }),
    );
  });

  test("leaves out what belongs to the listener", () => {
    const headers = { "content-length": "1", connection: "x", "transfer-encoding": "chunked", "x-a": "1" };
    expect(checkedHead({ status: 200, headers, body: "" }).headers).toEqual([["x-a", "1"]]);
  });

  test("never lets a line break or another control character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
        try {
          const { headers } = checkedHead({ status: 200, headers: { [name]: value }, body: "" });
          for (const text of headers.flat()) {
            expect([...text].every((char) => (char >= " " && char !== "\x7f") || char === "\t")).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "internal" });
        }
      }),
    );
  });
});
