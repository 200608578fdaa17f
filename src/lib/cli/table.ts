import { eastAsianWidth } from 'get-east-asian-width';

/** A cell: text as stored, or a number; null shows as nothing. */
export type Cell = string | number | null;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way before the others where a terminal is narrow: long, and little use to the eye. */
  readonly yields?: boolean;
}

const GAP = 2;
const NARROWEST = 8;

/**
 * Draws rows under titles. On a terminal the table fits its width: the columns that yield, then the widest ones, give way
 * and their cells end in an ellipsis. In a pipe nothing is cut.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const lines = [
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => row.map((cell) => (cell === null ? '' : escapeControl(String(cell))))),
  ];
  const natural = columns.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, displayWidth(line[index] ?? '')), 0),
  );
  const widths = fitWidths(natural, columns, width);
  return lines.map((line) => drawLine(line, widths, columns)).join('\n');
}

function drawLine(cells: readonly string[], widths: readonly number[], columns: readonly Column[]): string {
  let line = '';
  for (const [index, columnWidth] of widths.entries()) {
    const text = cut(cells[index] ?? '', columnWidth);
    const padding = ' '.repeat(columnWidth - displayWidth(text));
    line += columns[index]?.align === 'right' ? padding + text : text + padding;
    if (index < widths.length - 1) line += ' '.repeat(GAP);
  }
  return line.trimEnd();
}

/** The columns of a terminal that a text takes: East Asian wide characters and emoji take two (Unicode Annex 11). */
function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text))
    width += eastAsianWidth(segment.codePointAt(0) ?? 0);
  return width;
}

/** The text, ending in an ellipsis when it is wider than `width`; never cut within a character. */
function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Draws one object: a name and its value on each line. */
export function renderFields(fields: Readonly<Record<string, Cell>>): string {
  const widest = Math.max(...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields)
    .map(([name, value]) => `${name.padEnd(widest + GAP)}${escapeControl(String(value ?? '') || '–')}`)
    .join('\n');
}

/** Makes control characters and direction marks visible, so that stored text cannot steer a terminal. */
export function escapeControl(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The columns of the terminal that stdout is; undefined in a pipe. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Takes width from the columns that yield, then from the widest of text, and from numbers only in need, until all fit. */
function fitWidths(
  natural: readonly number[],
  columns: readonly Column[],
  width: number | undefined,
): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, column) => sum + column, GAP * (widths.length - 1)) - width;
  const narrow = (mayGive: (index: number) => boolean) => {
    while (excess > 0) {
      const widest = widths.reduce((best, own, index) => (mayGive(index) ? Math.max(best, own) : best), 0);
      if (widest <= NARROWEST) break;
      widths[widths.findIndex((own, index) => own === widest && mayGive(index))] = widest - 1;
      excess -= 1;
    }
  };
  narrow((index) => columns[index]?.yields === true);
  narrow((index) => columns[index]?.align !== 'right');
  narrow(() => true);
  return widths;
}

/** Whether stdout takes no colours: a pipe, or a terminal on which nobody wants them. */
export function isPlain(): boolean {
  return !process.stdout.isTTY || process.env.NO_COLOR !== undefined || process.env.TERM === 'dumb';
}
