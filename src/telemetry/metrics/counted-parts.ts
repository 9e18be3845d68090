import type { OpenCount } from "../../model/counts.ts";

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
      let isOpen = true;
      count.opened += 1;
      const end = (thrown?: unknown): void => {
        if (!isOpen) return;
        isOpen = false;
        count.closed += 1;
        ended(thrown);
      };
      return {
        async next() {
          try {
            const part = await inner.next();
            if (part.done === true) end();
            return part;
          } catch (thrown) {
            end(thrown);
            throw thrown;
          }
        },
        async return() {
          end();
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
