import { quote, refuse } from './errors.ts';

/** What the first line of a dump says; a reader refuses a version that it does not know. */
export const DUMP_FORMAT = 'uncloud dump';
export const DUMP_VERSION = 1;

/** The first line of a dump. */
export interface DumpHeader {
  readonly format: typeof DUMP_FORMAT;
  readonly version: typeof DUMP_VERSION;
  /** The migrations of its schema, in order. */
  readonly schema: readonly string[];
  /** Of the key file under which its secrets are sealed; null when there are none. */
  readonly secrets_key: string | null;
}

/** One row of a table, by columns. */
export type DumpRow = Readonly<Record<string, DumpValue>>;
export type DumpValue = string | number | boolean | null;

/** The last line: without it a dump was cut off. */
export interface DumpEnd {
  readonly end: {
    /** By tables, those without rows left out. */
    readonly rows: Readonly<Record<string, number>>;
    /** Of all lines before, with their ends, in hexadecimal digits. */
    readonly sha256: string;
  };
}

/** A line of a dump between its first and its last. */
export interface DumpLine {
  readonly table: string;
  readonly row: DumpRow;
}

/**
 * Reads the first line of a dump.
 * @throws INVALID_DUMP, DUMP_VERSION
 */
export function parseDumpHeader(text: string, file: string): DumpHeader {
  const header = parseLine(text, file, 1) as Partial<DumpHeader>;
  if (header.format !== DUMP_FORMAT) {
    throw refuse.INVALID_DUMP({ file, line: 1, reason: `it does not begin with {"format":"${DUMP_FORMAT}"` });
  }
  const { version, schema, secrets_key } = header;
  if (typeof version === 'number' && version !== DUMP_VERSION) {
    throw refuse.DUMP_VERSION({ file, version: String(version), known: DUMP_VERSION });
  }
  const isNamed = Array.isArray(schema) && schema.every((name) => typeof name === 'string');
  if (version !== DUMP_VERSION || !isNamed || !(secrets_key === null || typeof secrets_key === 'string')) {
    throw refuse.INVALID_DUMP({
      file,
      line: 1,
      reason: 'the version, the schema or the secrets_key is missing',
    });
  }
  return header as DumpHeader;
}

/**
 * Reads any other line of a dump.
 * @param columns of each table that may occur, in the order that rows are returned in
 * @returns the values of a row in the order of its columns, or the end
 * @throws INVALID_DUMP
 */
export function parseDumpLine(
  text: string,
  columns: ReadonlyMap<string, readonly string[]>,
  { file, line }: { file: string; line: number },
): { table: string; values: DumpValue[] } | DumpEnd {
  const fault = (reason: string) => refuse.INVALID_DUMP({ file, line, reason });
  const parsed = parseLine(text, file, line) as Partial<DumpLine & DumpEnd>;
  if (parsed.end !== undefined) return parsed as DumpEnd;
  const { table, row } = parsed;
  if (typeof table !== 'string' || typeof row !== 'object' || row === null) {
    throw fault('it has neither a table and a row nor an end');
  }
  const names = columns.get(table);
  if (names === undefined) throw fault(`there is no table ${quote(table)} to load`);
  const unknown = Object.keys(row).find((name) => !names.includes(name));
  if (unknown !== undefined) throw fault(`the table ${table} has no column ${quote(unknown)}`);
  const values = names.map((name) => {
    const value: unknown = Object.hasOwn(row, name) ? row[name] : undefined;
    if (value === undefined) throw fault(`the column ${name} of ${table} is missing`);
    if (
      typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value === 'object' && value !== null
    ) {
      throw fault(
        `the column ${name} of ${table} is neither text, nor a whole number, nor true, false or null`,
      );
    }
    return value as DumpValue;
  });
  return { table, values };
}

function parseLine(text: string, file: string, line: number): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Below: a line that is no JSON and one that is no object are the same fault.
  }
  throw refuse.INVALID_DUMP({ file, line, reason: 'it is not a JSON object' });
}
