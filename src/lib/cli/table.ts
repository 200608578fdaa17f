import Table from 'cli-table3';
import stringWidth from 'string-width';

/** A cell: text as stored, or a number; null shows as nothing. */
export type Cell = string | number | null;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = 2;
const NARROWEST = 8;
/** The time that cli-table3 takes grows with the square of the rows. */
const ROWS_DRAWN_AT_ONCE = 50;

/**
 * Draws rows under titles. On a terminal the table fits its width: the widest columns give way and their cells end
 * in an ellipsis. In a pipe nothing is cut.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? '' : escapeControl(String(cell)))));
  const widths = fitWidths(
    columns.map((column, index) =>
      Math.max(stringWidth(column.title), ...cells.map((row) => stringWidth(row[index] ?? ''))),
    ),
    width,
  );
  const draw = (head: readonly string[], body: string[][]): string => {
    const table = new Table({
      head: [...head],
      colAligns: columns.map((column) => column.align ?? 'left'),
      colWidths: widths.map((columnWidth) => columnWidth + GAP),
      chars: NO_LINES,
      style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    });
    table.push(...body);
    return table.toString();
  };
  const parts = [
    draw(
      columns.map(({ title }) => title.toUpperCase()),
      cells.slice(0, ROWS_DRAWN_AT_ONCE),
    ),
  ];
  for (let start = ROWS_DRAWN_AT_ONCE; start < cells.length; start += ROWS_DRAWN_AT_ONCE) {
    parts.push(draw([], cells.slice(start, start + ROWS_DRAWN_AT_ONCE)));
  }
  return parts
    .join('\n')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Draws one object: a name and its value on each line. */
export function renderFields(fields: Readonly<Record<string, Cell>>): string {
  const widest = Math.max(...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields)
    .map(([name, value]) => `${name.padEnd(widest + GAP)}${escapeControl(String(value ?? '–'))}`)
    .join('\n');
}

/** Makes control characters and direction marks visible, so that stored text cannot steer a terminal. */
export function escapeControl(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The columns of the terminal that stdout is; undefined in a pipe. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Takes width from the widest columns until all fit. */
function fitWidths(natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, column) => sum + column, GAP * (widths.length - 1)) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const column = widths[widest] ?? 0;
    if (column <= NARROWEST) break;
    widths[widest] = column - 1;
    excess -= 1;
  }
  return widths;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};
