/** Spreadsheets take a cell that begins so for a formula, also in the full-width forms that Excel knows. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;
const GUARDED = /^'+[=+\-@\t\r\n＝＋－＠]/;

/** A line of CSV (RFC 4180) with its end; cells that need them stand in double quotes. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(quotedCell).join(',')}\r\n`;
}

/** A cell in double quotes if it needs them. */
function quotedCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A cell that no spreadsheet runs as a formula: with an apostrophe in front where it would. Numbers stay as they are.
 * `unguarded` gives back what it was.
 */
export function guarded(text: string): string {
  return GUARDED.test(text) || (FORMULA.test(text) && !NUMBER.test(text)) ? `'${text}` : text;
}

/** The text of a cell: without the apostrophe that keeps a spreadsheet from running it. */
export function unguarded(cell: string): string {
  return cell.startsWith("'") && GUARDED.test(cell) ? cell.slice(1) : cell;
}
