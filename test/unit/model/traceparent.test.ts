import fc from "fast-check";
import { expect, it } from "vitest";
import { textFromTraceContext, traceContextFromText } from "../../../src/model/traceparent.ts";

const hex = (length: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text));

it("gives back what it wrote", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
      const place = { traceId, spanId, isSampled };
      expect(traceContextFromText(textFromTraceContext(place))).toEqual(place);
    }),
  );
});

it.each([
  ["nothing", undefined],
  ["an empty text", ""],
  ["a trace of zeros", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
  ["a span of zeros", `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`],
  ["version ff", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
  ["capital letters", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01"],
  ["more behind it", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"],
])("takes %s for none", (_, text) => {
  expect(traceContextFromText(text)).toBeUndefined();
});

it("takes only the lowest flag for sampled", () => {
  const text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  expect(
    ["00", "01", "02", "03", "fe", "ff"].map((flags) => traceContextFromText(text + flags)?.isSampled),
  ).toEqual([false, true, false, true, false, true]);
});
