import fc from "fast-check";
import { expect, test } from "vitest";
import { safeJson, safeText } from "../../../src/cli/terminal/safe-text.ts";

/** Control, reversing and hiding characters, in quantity. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\n", "\t", "\x7f", "\u202e", "\u2066"),
      fc.constantFrom(
        "\u200b",
        "\ufeff",
        "\u2028",
        "\u00ad",
        "\ud800",
        "\u{e0041}",
        "\u0085",
        "a",
        "ა",
        "👩‍🚀",
      ),
      fc.string({ unit: "binary" }),
    ),
  )
  .map((parts) => parts.join(""));

test("no text can move the cursor, change colours, reverse or hide anything, or take another line", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const shown = safeText(text);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(shown.replace(/[\u200c\u200d]/g, "")).not.toMatch(/\p{Cf}/u);
    }),
  );
});

test("ordinary text of any script stays as it is", () => {
  const text = 'Grüße, გამარჯობა, 你好, नमस्ते, 👩‍🚀 "quoted" \\ back';
  expect(safeText(text)).toBe(text);
});

test("what was taken away is visible", () => {
  expect(safeText("a\x1b[2Jb\nc\u202ed\u{e0041}\x9b")).toBe("a\\x1b[2Jb\\nc\\u202ed\\u{e0041}\\x9b");
});

test("JSON output is harmless in a terminal and has the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), hostile, (value, text) => {
      const document = { value, [text]: text };
      const shown = safeJson(document);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(document)));
    }),
  );
});
