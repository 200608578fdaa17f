import { escapeControl } from '../core/escape-control.ts';
import { displayWidth, widthOf, wrapSentences } from './sentence.ts';

/** A cell: text as stored, or a number; null shows as nothing. */
export type Cell = string | number | null;

/** A column. What its options say holds for a terminal in which the table is too wide; in a pipe nothing is cut. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way before the others: long, and little use to the eye. */
  readonly yields?: boolean;
  /** Is left out, the lowest first, rather than that a cell of another column is cut. */
  readonly spare?: number;
  /** The shorter form of a title or cell. */
  readonly shorten?: (text: string) => string;
  /** Goes into lines of its own below its row: a sentence, to be read whole. */
  readonly below?: boolean;
}

const GAP = 2;
const NARROWEST = 8;
/** A column that yields is worth more than a spare one as long as it is narrower than this. */
const READABLE = 16;
const INDENT = '    ';

/** A column of numbers. */
export function right(title: string): Column {
  return { title, align: 'right' };
}

/** The shorter form of a column of instants: their days. */
export function toDay(text: string): string {
  return text.slice(0, 'YYYY-MM-DD'.length);
}

/** The shorter form of a column of currencies. */
export function toCode(text: string): string {
  return text.slice(0, 'CUR'.length);
}

/**
 * Draws rows under titles. On a terminal the table fits its width: sentences go below their rows, columns take their
 * shorter form, spare ones are left out; then those that yield, and last the widest, end in an ellipsis. In a pipe
 * nothing is cut.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = terminalWidth(),
): string {
  const lines = linesOf(columns, rows);
  const natural = widthsOf(columns, lines);
  if (width === undefined || sum(natural) <= width) {
    return lines.map((line) => drawLine(line, natural, columns)).join('\n');
  }
  const isBelow = (index: number) => columns[index]?.below === true;
  const inline = columns.filter((_, index) => !isBelow(index));
  const own = lines.map((line) => line.filter((_, index) => !isBelow(index)));
  const sentences = lines.map((line) => line.filter((text, index) => isBelow(index) && text !== ''));
  return drawNarrow(inline, own, width)
    .flatMap((line, row) => [line, ...(row === 0 ? [] : (sentences[row] ?? []).map(indented))])
    .join('\n');

  function indented(text: string): string {
    return wrapSentences(INDENT + text, width, INDENT);
  }
}

/** How wide a table is where nothing is cut. */
export function naturalWidth(columns: readonly Column[], rows: readonly (readonly Cell[])[]): number {
  return sum(widthsOf(columns, linesOf(columns, rows)));
}

function linesOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string[][] {
  return [
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => row.map((cell) => (cell === null ? '' : escapeControl(String(cell))))),
  ];
}

/** Draws lines that are wider than the terminal. */
function drawNarrow(
  columns: readonly Column[],
  lines: readonly (readonly string[])[],
  width: number,
): string[] {
  const isWide = sum(widthsOf(columns, lines)) > width;
  const short = isWide
    ? lines.map((line) => line.map((text, index) => columns[index]?.shorten?.(text) ?? text))
    : lines;
  const natural = widthsOf(columns, short);
  const least = natural.map((own, index) => (columns[index]?.yields ? Math.min(own, READABLE) : own));
  const kept = keptColumns(columns, least, width);
  const pick = <T>(values: readonly T[]) => values.filter((_, index) => kept.includes(index));
  const shown = pick(columns);
  const widths = fitWidths(pick(natural), shown, width);
  return short.map((line) => drawLine(pick(line), widths, shown));
}

/** The columns that are left when spare ones are taken away until the others have what they need at least. */
function keptColumns(columns: readonly Column[], least: readonly number[], width: number): number[] {
  let kept = columns.map((_, index) => index);
  const rank = (index: number) => columns[index]?.spare ?? Number.POSITIVE_INFINITY;
  for (const next of kept.filter((index) => rank(index) < Number.POSITIVE_INFINITY).sort(byRank)) {
    if (sum(kept.map((index) => least[index] ?? 0)) <= width) break;
    kept = kept.filter((index) => index !== next);
  }
  return kept;

  function byRank(a: number, b: number): number {
    return rank(a) - rank(b);
  }
}

function widthsOf(columns: readonly Column[], lines: readonly (readonly string[])[]): number[] {
  return columns.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, displayWidth(line[index] ?? '')), 0),
  );
}

/** The width of a table whose columns have these widths. */
function sum(widths: readonly number[]): number {
  return widths.reduce((total, own) => total + own, GAP * (widths.length - 1));
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

/** Draws one object: a name and its value on each line; on a terminal a long value goes on below its beginning. */
export function renderFields(
  fields: Readonly<Record<string, Cell>>,
  width: number | undefined = terminalWidth(),
): string {
  const column = Math.max(...Object.keys(fields).map((name) => name.length)) + GAP;
  const indent = ' '.repeat(column);
  return Object.entries(fields)
    .map(([name, value]) => [name.padEnd(column), escapeControl(String(value ?? '') || '–')] as const)
    .map(([name, value]) => name + wrapSentences(indent + value, width, indent).slice(column))
    .join('\n');
}

/** The columns of the terminal that stdout is; undefined in a pipe. */
export function terminalWidth(): number | undefined {
  return widthOf(process.stdout);
}

/**
 * Takes width from the columns that yield, then from the widest of text, and from numbers only in need, until all fit.
 */
function fitWidths(natural: readonly number[], columns: readonly Column[], width: number): number[] {
  const widths = [...natural];
  let excess = sum(widths) - width;
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

/** Whether a stream takes no colours: a pipe, or a terminal on which nobody wants them (no-color.org). */
export function isPlain(stream: NodeJS.WriteStream = process.stdout): boolean {
  return !stream.isTTY || Boolean(process.env.NO_COLOR) || process.env.TERM === 'dumb';
}
