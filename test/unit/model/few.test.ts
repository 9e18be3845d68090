import fc from "fast-check";
import { expect, test } from "vitest";
import { Few } from "../../../src/model/few.ts";

test("holds what a Set would, in the same order", () => {
  const step = fc.record({ member: fc.constantFrom("a", "b", "c"), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const few = new Few<string>();
      const set = new Set<string>();
      for (const { member, isAdded } of steps) {
        if (isAdded) {
          few.add(member);
          set.add(member);
        } else {
          few.delete(member);
          set.delete(member);
        }
        expect([...few]).toEqual([...set]);
        expect(few.size).toBe(set.size);
      }
    }),
  );
});
