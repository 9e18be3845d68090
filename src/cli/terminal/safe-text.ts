/** Joiners stay: emoji and several scripts are written with them, and they move nothing. */
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Makes foreign text harmless in a terminal and keeps it on one line: control characters of both ranges (so no
 * escape sequence can move the cursor or change colours), characters that reverse or hide text, line and
 * paragraph separators, and lone surrogates become visible escapes such as `\x1b` or `\u202e`.
 */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT.get(character) ?? visibleEscape(character));
}

function visibleEscape(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x100) return `\\x${point.toString(16).padStart(2, "0")}`;
  if (point < 0x10000) return `\\u${point.toString(16).padStart(4, "0")}`;
  return `\\u{${point.toString(16)}}`;
}

/**
 * Writes a value as one line of JSON that is harmless in a terminal. `JSON.stringify` leaves DEL, the upper
 * control range and reversing characters as they are; here they are JSON escapes, so the value is the same.
 */
export function safeJson(value: unknown): string {
  // Unsafe characters can stand in strings only: outside them JSON text has none.
  return (JSON.stringify(value) ?? "null").replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, at) => jsonEscape(character.charCodeAt(at))).join(""),
  );
}

function jsonEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
