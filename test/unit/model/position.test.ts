import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import { cursorFromPosition, isNext, isSeen, positionFromCursor } from "../../../src/model/position.ts";

const position = fc.record({
  epoch: fc.integer({ min: 0, max: 9_999_999_999 }),
  offset: fc.integer({ min: 0, max: 999_999_999_999_999 }),
});

describe("a cursor", () => {
  test("gives back the position that it was made of", () => {
    fc.assert(
      fc.property(position, (at) => {
        expect(positionFromCursor(cursorFromPosition(at))).toEqual(at);
      }),
    );
  });

  test.each([
    "",
    "1",
    "1-",
    "-1",
    "1--1",
    "a-b",
    "1-1 ",
    " 1-1",
    "1-1\n",
    "1.0-1",
    "1-1e3",
    "0x1-1",
    "١-١",
    "+1-1",
  ])("%j is none", (text) => expect(() => positionFromCursor(text)).toThrow(MeshError));

  test("garbage is refused with a typed error, or is a position of whole numbers", () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(..."0123456789-"), maxLength: 40 }),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        try {
          const { epoch, offset } = positionFromCursor(text);
          expect(Number.isSafeInteger(epoch) && Number.isSafeInteger(offset)).toBe(true);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "MeshError", code: "invalid_argument" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("positions", () => {
  test("what is next is not seen; what is seen is not next", () => {
    fc.assert(
      fc.property(position, position, (at, other) => {
        expect(isNext(at, other) && isSeen(at, other)).toBe(false);
        expect(isSeen(at, at)).toBe(true);
        expect(isNext(at, { epoch: at.epoch, offset: at.offset + 1 })).toBe(true);
        expect(isSeen(at, { epoch: at.epoch + 1, offset: 1 })).toBe(false);
      }),
    );
  });
});
