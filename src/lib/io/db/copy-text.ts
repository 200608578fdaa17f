const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Some tens of kilobytes: the server takes in one piece while the next one is made. */
const ROWS_PER_PIECE = 200;

/**
 * Rows in PostgreSQL's text format of COPY, in pieces: tabs between values, `\N` for null, backslashes before what is
 * special.
 */
export function* copyTexts(rows: readonly (readonly unknown[])[]): Generator<string> {
  for (let start = 0; start < rows.length; start += ROWS_PER_PIECE) {
    yield `${rows
      .slice(start, start + ROWS_PER_PIECE)
      .map(rowText)
      .join('\n')}\n`;
  }
}

function rowText(row: readonly unknown[]): string {
  return row.map(valueText).join('\t');
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value !== 'string') return String(value);
  return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '') : value;
}
