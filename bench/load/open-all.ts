const AT_ONCE = 16;

/** Opens many connections, a few at once, and answers in the order of `items`. */
export async function openAll<T, R>(
  items: readonly T[],
  open: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const opened: R[] = new Array<R>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) opened[at] = await open(item, at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return opened;
}
