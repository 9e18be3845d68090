import fc from "fast-check";
import { expect, test } from "vitest";
import { tableLines } from "../../../src/cli/terminal/table.ts";
import { fitText, textWidth } from "../../../src/cli/terminal/text-width.ts";
import { relativeTime } from "../../../src/cli/terminal/time-text.ts";

interface Row {
  readonly id: string;
  readonly words: string;
}
const columns = [
  { title: "ID", text: (row: Row) => row.id },
  { title: "WORDS", text: (row: Row) => row.words, shrinks: true },
];
const plain = (text: string): string => text;

test("columns line up, also with wide characters", () => {
  const rows = [
    { id: "a", words: "one" },
    { id: "日本", words: "two" },
  ];
  expect(tableLines(columns, rows, { width: undefined, titleStyle: plain })).toEqual([
    "ID    WORDS",
    "a     one",
    "日本  two",
  ]);
});

test("only a column that may shrink is cut, and only for a terminal", () => {
  const rows = [{ id: "a-rather-long-id", words: "many words that do not fit here" }];
  const [, narrow = ""] = tableLines(columns, rows, { width: 34, titleStyle: plain });
  expect(narrow).toBe("a-rather-long-id  many words that…");
  expect(textWidth(narrow)).toBe(34);
  const [, whole] = tableLines(columns, rows, { width: undefined, titleStyle: plain });
  expect(whole).toBe("a-rather-long-id  many words that do not fit here");
});

test("a cell of foreign text cannot break out of its line", () => {
  const lines = tableLines(columns, [{ id: "a\nb", words: "\x1b[2J" }], {
    width: undefined,
    titleStyle: plain,
  });
  expect(lines[1]).toBe("a\\nb  \\x1b[2J");
});

test("a cut text never takes more cells than it may", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 40 }), (text, cells) => {
      expect(textWidth(fitText(text, cells))).toBeLessThanOrEqual(cells);
    }),
  );
});

test("width counts cells, not code units", () => {
  expect(textWidth("e\u0301")).toBe(1);
  expect(textWidth("👩‍🚀")).toBe(2);
  expect(textWidth("漢字")).toBe(4);
});

test("relative times read both ways", () => {
  const now = 10_000_000_000;
  expect(relativeTime(now - 500, now)).toBe("now");
  expect(relativeTime(now - 61_000, now)).toBe("1m ago");
  expect(relativeTime(now - 3 * 86_400_000, now)).toBe("3d ago");
  expect(relativeTime(now + 7_200_000, now)).toBe("in 2h");
});
