import { inTurns } from '../turns.ts';

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Rows in PostgreSQL's text format of COPY: tabs between values, `\N` for null, backslashes before what is special. */
export function copyText(rows: readonly (readonly unknown[])[]): Buffer {
  return Buffer.from(`${rows.map(rowText).join('\n')}\n`);
}

/** `copyText` while the database is at work: other work has its turn in between. */
export async function copyTextInTurns(rows: readonly (readonly unknown[])[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const some of inTurns(rows)) pieces.push(copyText(some));
  return Buffer.concat(pieces);
}

function rowText(row: readonly unknown[]): string {
  return row.map(valueText).join('\t');
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value !== 'string') return String(value);
  return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '') : value;
}
