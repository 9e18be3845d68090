import fc from "fast-check";
import { expect, test } from "vitest";
import { CliError } from "../../../src/cli/cli-error.ts";
import { collect, secondsFromDuration, wholeNumber } from "../../../src/cli/option-value.ts";

test.each([
  ["90", 90],
  ["90s", 90],
  ["15m", 900],
  ["24h", 86_400],
  ["7d", 604_800],
  ["1h30m", 5400],
])("%s is %i seconds", (text, seconds) => {
  expect(secondsFromDuration(text)).toBe(seconds);
});

test.each(["", "0", "-1", "1.5h", "h", "1y", "1h 30m", "1h30", "99999999999d", "１h"])(
  "%j is no duration",
  (text) => {
    expect(() => secondsFromDuration(text)).toThrow(CliError);
  },
);

test("a duration is whole seconds within its bounds, or wrong usage, whatever the text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{0,12}[smhdw]?\d{0,3}[smhdw]?$/)), (text) => {
      let seconds = 1;
      try {
        seconds = secondsFromDuration(text);
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: "CliError", exitCode: 2 });
      }
      expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 315_360_000).toBe(true);
    }),
  );
});

test("whole numbers keep to their bounds", () => {
  const read = wholeNumber(1, 500);
  expect(read("500")).toBe(500);
  for (const wrong of ["0", "501", "1e2", "0x10", " 5", "", "-3"])
    expect(() => read(wrong)).toThrow(CliError);
});

test("lists are repeated options, commas, or both", () => {
  expect(collect("c", collect("a, b,", undefined))).toEqual(["a", "b", "c"]);
});
