import fc from "fast-check";
import { expect, test } from "vitest";
import { fittingCloseReason, sendableCloseCode } from "../../../src/listeners/close-code.ts";

test.each([
  [1000, 1000],
  [1001, 1001],
  [1009, 1009],
  [1011, 1011],
  [4001, 4001],
  [4999, 4999],
  [0, 1011],
  [1004, 1011],
  [1005, 1011],
  [1006, 1011],
  [1015, 1011],
  [2000, 1011],
  [5000, 1011],
  [Number.NaN, 1011],
])("code %d is sent as %d", (code, sent) => {
  expect(sendableCloseCode(code)).toBe(sent);
});

test("a reason is cut to what fits, between characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (reason) => {
      const fitting = fittingCloseReason(reason);
      expect(reason.startsWith(fitting)).toBe(true);
      expect(Buffer.byteLength(fitting)).toBeLessThanOrEqual(123);
      if (Buffer.byteLength(reason) <= 123) expect(fitting).toBe(reason);
      else expect(Buffer.byteLength(fitting)).toBeGreaterThan(119);
    }),
  );
});
