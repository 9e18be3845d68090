/** Rows of one multi-row statement: well below the dialects' limits on parameters. */
export const ROWS_PER_STATEMENT = 200;

/** The items in pieces of at most `size`, in order. */
export function chunksOf<Item>(items: readonly Item[], size: number = ROWS_PER_STATEMENT): readonly Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}
