import type { OpenCount } from "../../model/counts.ts";
import { partsUntilOver } from "../../model/parts.ts";

/**
 * The same parts, counted as open until the last one, an error, or the reader's leave; `ended` hears which, once.
 * Counts from the first look on: parts that nobody asks for were never open.
 */
export function countedParts<Part>(
  parts: AsyncIterable<Part>,
  count: OpenCount,
  ended: (thrown?: unknown) => void = () => undefined,
): AsyncIterable<Part> {
  return {
    [Symbol.asyncIterator]() {
      const inner = parts[Symbol.asyncIterator]();
      count.opened += 1;
      return partsUntilOver(inner, (thrown) => {
        count.closed += 1;
        ended(thrown);
      });
    },
  };
}
