/**
 * The same parts; `over` is called once when they ended: with what was thrown, or without anything after the last one
 * or when their reader left.
 */
export function partsUntilOver<Part>(
  parts: AsyncIterator<Part>,
  over: (thrown?: unknown) => void,
): AsyncIterator<Part, unknown> {
  let isOpen = true;
  const end = (thrown?: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    over(thrown);
  };
  return {
    async next() {
      try {
        const part = await parts.next();
        if (part.done === true) end();
        return part;
      } catch (thrown) {
        end(thrown);
        throw thrown;
      }
    },
    async return() {
      end();
      await parts.return?.();
      return { done: true, value: undefined };
    },
  };
}
