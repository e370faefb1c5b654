/** The width of a cell, in characters; longer ones are wrapped. Five columns of it fit a terminal of 80. */
const MAX_WIDTH = 14;
const GAP = '  ';

/**
 * Formats a table, with a line of headings. Cells may have several lines; longer ones are wrapped, between words where
 * that is possible.
 */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const wrapped = [headings, ...rows].map((row) => row.map(wrap));
  const widths = headings.map((_heading, column) =>
    Math.max(...wrapped.flatMap((row) => row[column] ?? []).map(({ length }) => length)),
  );
  const lines = wrapped.flatMap((row) => {
    const height = Math.max(...row.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      widths
        .map((width, column) => (row[column]?.[line] ?? '').padEnd(width))
        .join(GAP)
        .trimEnd(),
    );
  });
  return `${lines.join('\n')}\n`;
}

/** The lines of a cell. */
function wrap(cell: string): string[] {
  return cell.match(new RegExp(`\\S.{0,${MAX_WIDTH - 1}}(?=\\s|$)|\\S{1,${MAX_WIDTH}}`, 'g')) ?? [''];
}
