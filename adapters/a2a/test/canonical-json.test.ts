import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../canonical-json.ts";

/** RFC 8785, appendix B: the bits of an IEEE 754 double, and how it is written. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

function doubleFromBits(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE();
}

/** What JSON can hold, of any shape: keys as awkward as they come, no half of a surrogate pair. */
const text = fc.string({ unit: "binary" });
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie("any"), { maxLength: 5 }),
    fc.dictionary(text, tie("any"), { maxKeys: 6 }),
  ),
})).any as fc.Arbitrary<Parameters<typeof canonicalJson>[0]>;

/** As a JSON text gives it: no minus zero, and members that are its own. */
function reread(given: unknown): unknown {
  return JSON.parse(JSON.stringify(given));
}

/** The same with the members of every object in another order. */
function reversed(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  if (Array.isArray(given)) return given.map(reversed);
  const turned: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(given).reverse()) {
    Object.defineProperty(turned, name, {
      ...{ value: reversed(member), enumerable: true, writable: true, configurable: true },
    });
  }
  return turned;
}

describe("canonical JSON", () => {
  it.each(NUMBERS)("writes the double %s as %s", (bits, written) => {
    expect(canonicalJson(doubleFromBits(bits))).toBe(written);
  });

  it.each([
    ["not-a-number", { a: Number.NaN }],
    ["an infinity, as 1e999 is read", JSON.parse('{"a":[1e999]}')],
    ["half of a surrogate pair", JSON.parse(String.raw`["\ud83d"]`)],
    ["half of a surrogate pair in a name", JSON.parse(String.raw`{"\udc00":1}`)],
  ])("refuses %s", (_name, given) => {
    expect(() => canonicalJson(given)).toThrow();
  });

  it("writes what the RFC's section 3.2.2 gives", () => {
    const given = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    expect(canonicalJson(given)).toBe(
      `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it("sorts names as the RFC's section 3.2.3 does, by UTF-16", () => {
    const given = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`);
    expect(Object.values(JSON.parse(canonicalJson(given)))).toHaveLength(7);
    const order = [...canonicalJson(given).matchAll(/:"([^"]*)"/g)].map(([, told]) => told);
    expect(order).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it("says the same value, whatever that is", () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(JSON.parse(canonicalJson(given))).toEqual(reread(given));
      }),
      { numRuns: 1000 },
    );
  });

  it("is one text for one value: of members in any order, and of what it wrote itself", () => {
    fc.assert(
      fc.property(value, (given) => {
        const written = canonicalJson(given);
        expect(canonicalJson(reversed(given) as typeof given)).toBe(written);
        expect(canonicalJson(JSON.parse(written))).toBe(written);
      }),
      { numRuns: 1000 },
    );
  });

  it("has names in order of their UTF-16 code units, and no space outside of texts", () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.constant(0), { minKeys: 2 }), (given) => {
        const pairs = canonicalJson(given).slice(1, -1);
        const names = [...pairs.matchAll(/("(?:[^"\\]|\\.)*"):0(?:,|$)/gs)].map(([, name = '""']) => name);
        expect(names.map((name) => `${name}:0`).join(",")).toBe(pairs);
        const units = names.map((name) => Buffer.from(JSON.parse(name), "utf16le").swap16());
        expect(units.toSorted(Buffer.compare)).toEqual(units);
      }),
      { numRuns: 500 },
    );
  });
});
