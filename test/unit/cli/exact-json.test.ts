import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExactJson } from "../../../src/cli/hub/exact-json.ts";

test("numbers that JavaScript cannot hold come out as they went in", () => {
  const text = '{"id":12345678901234567890,"rate":1.0,"tiny":1e-400,"list":[0.10000000000000000001]}';
  expect(JSON.stringify(parseExactJson(text))).toBe(text);
});

test("every other value is what JSON.parse gives", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parseExactJson(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});
