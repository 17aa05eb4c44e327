import { cut, type Style, widthOf } from './style.ts';

export interface TableColumn<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: 'left' | 'right';
  /** Takes what room is left, and is cut first. One per table. */
  readonly isFlexible?: boolean;
}

/** Rows of a table: columns parted by two spaces, titles dim, no lines drawn; no row wider than `width`. */
export function renderTable<T>(
  columns: readonly TableColumn<T>[],
  rows: readonly T[],
  options: { readonly style: Style; readonly width: number },
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, i) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[i] ?? ''))),
  );
  const flexible = columns.findIndex((column) => column.isFlexible === true);
  const total = widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1);
  if (flexible >= 0 && total > options.width) {
    widths[flexible] = Math.max(8, (widths[flexible] ?? 0) - (total - options.width));
  }
  const draw = (row: readonly string[], paint: (text: string) => string) =>
    row
      .map((cell, i) => {
        const text = cut(cell, widths[i] ?? 0);
        const padding = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)));
        return columns[i]?.align === 'right' ? padding + paint(text) : paint(text) + padding;
      })
      .join('  ')
      .trimEnd();
  const titles = columns.map((column) => column.title);
  return [draw(titles, options.style.dim), ...cells.map((row) => draw(row, (text) => text))];
}
