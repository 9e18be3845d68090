import { safeText } from "./safe-text.ts";
import { fitText, textWidth } from "./text-width.ts";

const GAP = "  ";
const LEAST_SHRUNK_CELLS = 12;

export type CellStyle = (text: string) => string;

export interface Column<Row> {
  readonly title: string;
  /** Foreign text is fine: it is made safe here. */
  readonly text: (row: Row) => string;
  /** Colours the finished cell. */
  readonly style?: (row: Row) => CellStyle | undefined;
  /** May be cut when the terminal is too narrow. Never set it where the text is what the user came for. */
  readonly shrinks?: boolean;
}

export interface TableOptions {
  /** Cells of the terminal; undefined = nothing is cut, for pipes and files. */
  readonly width: number | undefined;
  readonly titleStyle: CellStyle;
}

/** One line for the titles and one for each row, columns aligned, the last one not padded. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): readonly string[] {
  const texts = rows.map((row) => columns.map((column) => safeText(column.text(row))));
  const natural = columns.map((column, at) =>
    texts.reduce((widest, cells) => Math.max(widest, textWidth(cells[at] ?? "")), column.title.length),
  );
  const widths = fitWidths(columns, natural, options.width);
  const line = (cells: readonly string[], style: (at: number) => CellStyle | undefined): string =>
    cells
      .map((cell, at) => {
        const fitted = columns[at]?.shrinks ? fitText(cell, widths[at] ?? 0) : cell;
        const padding = at === cells.length - 1 ? 0 : (widths[at] ?? 0) - textWidth(fitted);
        return (style(at) ?? plain)(fitted) + " ".repeat(Math.max(0, padding));
      })
      .join(GAP)
      .trimEnd();
  const titles = columns.map((column) => column.title);
  return [
    line(titles, () => options.titleStyle),
    ...rows.map((row, index) => line(texts[index] ?? [], (at) => columns[at]?.style?.(row))),
  ];
}

function plain(text: string): string {
  return text;
}

function fitWidths<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  width: number | undefined,
): readonly number[] {
  if (width === undefined) return natural;
  const total = natural.reduce((sum, cells) => sum + cells, 0) + GAP.length * (columns.length - 1);
  let excess = total - width;
  // From the right: what stands further left tells rows apart.
  return natural
    .map((cells, at) => ({ cells, at }))
    .reverse()
    .map(({ cells, at }) => {
      if (excess <= 0 || columns[at]?.shrinks !== true) return cells;
      const shrunk = Math.max(Math.min(cells, LEAST_SHRUNK_CELLS), cells - excess);
      excess -= cells - shrunk;
      return shrunk;
    })
    .reverse();
}
