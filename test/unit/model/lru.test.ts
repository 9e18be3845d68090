import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLru } from "../../../src/model/lru.ts";

const key = fc.constantFrom("a", "b", "c", "d", "e", "f", "__proto__");
const step = fc.oneof(
  fc.record({ act: fc.constant("get" as const), key }),
  fc.record({ act: fc.constant("delete" as const), key }),
  fc.record({ act: fc.constant("set" as const), key, value: fc.integer({ min: 1, max: 6 }) }),
);

describe("lru", () => {
  it("holds what a plain list in order of use would hold", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, maxWeight) => {
        const left: string[] = [];
        const lru = createLru<number>({
          maxWeight,
          weigh: (value) => value,
          onLeave: (name) => left.push(name),
        });
        let model: { name: string; value: number }[] = [];
        let entered = 0;
        for (const one of steps) {
          const old = model.find(({ name }) => name === one.key);
          const others = model.filter(({ name }) => name !== one.key);
          if (one.act === "get") {
            expect(lru.get(one.key)).toBe(old?.value);
            model = old === undefined ? others : [...others, old];
          } else if (one.act === "delete") {
            expect(lru.delete(one.key)).toBe(old !== undefined);
            model = others;
          } else {
            lru.set(one.key, one.value);
            model = others;
            if (one.value <= maxWeight) {
              entered += 1;
              model.push({ name: one.key, value: one.value });
            }
            while (model.reduce((sum, { value }) => sum + value, 0) > maxWeight) model.shift();
          }
          expect(lru.size).toBe(model.length);
          expect(left.length).toBe(entered - model.length);
        }
        for (const { name, value } of model) expect(lru.get(name)).toBe(value);
      }),
    );
  });

  it("forgets the one not used for longest", () => {
    const lru = createLru<number>({ maxWeight: 2 });
    lru.set("old", 1);
    lru.set("older", 2);
    lru.get("old");
    lru.set("new", 3);
    expect([lru.get("old"), lru.get("older"), lru.get("new")]).toEqual([1, undefined, 3]);
  });
});
