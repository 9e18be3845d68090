import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MeshError } from "../../../src/model/errors.ts";
import { isJsonText, readJsonMembers, sliceJsonArray } from "../../../src/model/json-members.ts";

const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
const scalar = fc.oneof(
  fc.constantFrom("0", "-0", "1.0", "12345678901234567890", "1e400", "-1.5E-7", "true", "false", "null"),
  fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\""',
    '"\\\\"',
    '"\\\\\\""',
    '"}{][,:"',
    '"\\u0022\\u005c"',
    '"\\ud83d\\ude00"',
    '"\u{2028}"',
  ),
);

/** JSON texts as people and programs write them: any spacing, keys that repeat. */
const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, tie("array"), tie("object")),
  array: fc
    .array(fc.tuple(space, tie("value"), space), { maxLength: 4 })
    .map((items) => `[${joined(items)}]`),
  object: fc
    .array(fc.tuple(space, fc.string({ maxLength: 5 }), space, space, tie("value"), space), { maxLength: 4 })
    .map(
      (items) =>
        `{${joined(items.map(([a, key, b, c, one, d]) => [a, JSON.stringify(key), b, ":", c, one, d]))}}`,
    ),
}));

function joined(items: readonly (readonly string[])[]): string {
  return items.map((parts) => parts.join("")).join(",");
}

const member = fc.tuple(space, fc.string({ unit: "grapheme", maxLength: 8 }), space, space, value, space);

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString("utf8");
}

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MeshError);
    return Object(thrown)["code"];
  }
  return undefined;
}

describe("the members of an object", () => {
  test("are the texts that stood there, whatever stands around them", () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), space, space, (members, before, after) => {
        const body = joined(
          members.map(([a, key, b, c, one, d]) => [a, JSON.stringify(key), b, ":", c, one, d]),
        );
        const { value: read, raw } = readJsonMembers(bytesOf(`${before}{${body}}${after}`));
        const wanted = new Map(members.map(([, key, , , one]) => [key.toWellFormed(), one]));
        expect(Object.fromEntries([...raw].map(([key, slice]) => [`k${key}`, textOf(slice)]))).toEqual(
          Object.fromEntries([...wanted].map(([key, one]) => [`k${key}`, one])),
        );
        expect(Object.keys(Object(read)).length).toBe(wanted.size);
      }),
      { numRuns: 1500 },
    );
  });

  test("are found by the key that its text means, and the last of a name counts", () => {
    const { raw } = readJsonMembers(
      bytesOf('{"a":1,"\\u0061": 2 ,"q\\"k":[3],"b\\\\":{}, "__proto__":{"x":1}}'),
    );
    expect([...raw].map(([key, slice]) => [key, textOf(slice)])).toEqual([
      ["a", "2"],
      ['q"k', "[3]"],
      ["b\\", "{}"],
      ["__proto__", '{"x":1}'],
    ]);
    expect(Object.prototype).not.toHaveProperty("x");
  });

  test("keep numbers that no double holds", () => {
    const { raw } = readJsonMembers(bytesOf('{"one":1.0,"long":12345678901234567890,"huge":1e400}'));
    expect([...raw.values()].map(textOf)).toEqual(["1.0", "12345678901234567890", "1e400"]);
  });

  test("are none of what is no object", () => {
    for (const text of ["1", '"{\\"a\\":1}"', "[{}]", "null"])
      expect(readJsonMembers(bytesOf(text)).raw.size).toBe(0);
  });
});

describe("the elements of an array", () => {
  test("are the texts that stood there", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(space, value, space), { maxLength: 8 }), (items) => {
        const slices = sliceJsonArray(bytesOf(`[${joined(items)}]`));
        expect(slices.map(textOf)).toEqual(items.map(([, one]) => one));
      }),
      { numRuns: 1500 },
    );
  });

  test("of an array of nothing are none", () => {
    expect(sliceJsonArray(bytesOf(" [ \n ] "))).toEqual([]);
  });
});

describe("what is refused", () => {
  test.each([
    ["nothing", ""],
    ["only space", "  "],
    ["a byte order mark", "\u{feff}{}"],
    ["two texts", "{} {}"],
    ["a comment", "{/**/}"],
    ["single quotes", "{'a':1}"],
    ["a comma too many", "[1,]"],
    ["an open string", '{"a":"'],
    ["an escape at the end", '{"a":"\\'],
    ["a leading zero", "01"],
    ["NaN", "NaN"],
    ["a control character in a string", '"\u0001"'],
  ])("%s", (_what, text) => expect(codeOf(() => readJsonMembers(bytesOf(text)))).toBe("malformed"));

  test("bytes that are not UTF-8", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
    ])
      expect(codeOf(() => readJsonMembers(Uint8Array.from(bytes)))).toBe("malformed");
  });

  test("more than 128 levels, of whatever brackets, in no time", () => {
    const nested = (levels: number) => bytesOf(`${"[".repeat(levels)}${"]".repeat(levels)}`);
    expect(codeOf(() => readJsonMembers(nested(128)))).toBeUndefined();
    expect(codeOf(() => readJsonMembers(nested(129)))).toBe("malformed");
    expect(codeOf(() => readJsonMembers(bytesOf('{"a":'.repeat(1_000_000))))).toBe("malformed");
    expect(isJsonText(bytesOf(`"${"[".repeat(500)}"`))).toBe(true);
  });

  test("arbitrary bytes are JSON exactly when JSON.parse takes them", () => {
    const near = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 019eE+-.tfn'), maxLength: 15 }).map(bytesOf),
      fc.tuple(value, fc.nat(), fc.nat()).map(([text, at, cut]) => {
        const bytes = bytesOf(text);
        return Buffer.concat([
          bytes.subarray(0, at % (bytes.length + 1)),
          bytes.subarray(cut % (bytes.length + 1)),
        ]);
      }),
    );
    fc.assert(
      fc.property(near, (bytes) => {
        expect(isJsonText(bytes)).toBe(isParsed(bytes));
      }),
      { numRuns: 4000 },
    );
  });
});

function isParsed(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
