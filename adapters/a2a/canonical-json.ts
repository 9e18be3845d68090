import type { JsonValue } from "../../src/adapter-kit.ts";

/**
 * A JSON value in the one spelling that signatures are made over (RFC 8785): members in order of their UTF-16 code units,
 * no spaces, numbers and texts as ECMAScript writes them.
 * @throws TypeError for what two values would be one spelling of: a number that JSON has not (1e999 is read as infinity),
 *   a text that is not Unicode (half of a surrogate pair)
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === "string") return canonicalText(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number that JSON has not");
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonicalText(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function canonicalText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("a text that is not Unicode");
  return JSON.stringify(text);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
