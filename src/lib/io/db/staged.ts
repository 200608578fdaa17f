import { sql, type Transaction } from 'kysely';
import { KeyIndex } from '../key-index.ts';
import { type ColumnType, insertNewRows, isAmong, isPostgres } from './bulk.ts';
import { STAGED } from './changes.ts';
import type { Schema } from './schema.ts';

/** A temporary table of a transaction, for what does not fit into memory. The database keeps it on the disk. */
export async function createStaged(
  tx: Transaction<Schema>,
  name: string,
  columns: Readonly<Record<string, ColumnType>>,
  key: string,
): Promise<string> {
  const table = `${STAGED}${name}`;
  const definitions = Object.entries(columns).map(([column, type]) => `${column} ${type}`);
  const create = `create temporary table ${table} (${definitions.join(', ')}, primary key (${key}))`;
  if (isPostgres(tx)) {
    await sql.raw(`${create} on commit drop`).execute(tx);
  } else {
    // On SQLite it lives as long as the connection.
    await sql.raw(`drop table if exists temp.${table}`).execute(tx);
    await sql.raw(`${create} without rowid`).execute(tx);
  }
  return table;
}

/** A key, the line on which it stands, and what else is to be known about it. */
export interface StagedKey {
  readonly key: string;
  readonly line: number;
  readonly note?: string | null;
}

const KEY_COLUMNS = { key: 'text', line: 'bigint', note: 'text' } as const;

/** The keys of a file of any size, each with the line on which it stands first. */
export class StagedKeys {
  readonly #tx: Transaction<Schema>;
  readonly #table: string;

  private constructor(tx: Transaction<Schema>, table: string) {
    this.#tx = tx;
    this.#table = table;
  }

  static async create(tx: Transaction<Schema>, name: string): Promise<StagedKeys> {
    return new StagedKeys(tx, await createStaged(tx, name, KEY_COLUMNS, 'key'));
  }

  /** Adds keys in their order. For each that is not new, by its line: the key as it was added first. */
  async add(rows: readonly StagedKey[]): Promise<Map<number, StagedKey>> {
    if (rows.length === 0) return new Map();
    const firsts = new Map<string, StagedKey>();
    for (const row of rows) if (!firsts.has(row.key)) firsts.set(row.key, row);
    const values = [...firsts.values()].map(({ key, line, note = null }) => [key, line, note]);
    const isNew = (await insertNewRows(this.#tx, this.#table, KEY_COLUMNS, values)) === values.length;
    const known = isNew ? firsts : await this.find([...firsts.keys()]);
    const repeated = rows.filter(({ key, line }) => known.get(key)?.line !== line);
    return new Map(repeated.map((row) => [row.line, known.get(row.key) ?? row]));
  }

  async find(keys: readonly string[]): Promise<Map<string, StagedKey>> {
    if (keys.length === 0) return new Map();
    const { rows } = await sql<StagedKey>`
      select key, line, note from ${sql.table(this.#table)} where ${isAmong(this.#tx, 'key', keys)}
    `.execute(this.#tx);
    return new Map(rows.map((row) => [row.key, row]));
  }
}

/** So many bytes of keys are kept in memory: those of a quarter of a million short ones. */
const MOST_BYTES = 2 ** 23;

/**
 * The keys of a file of any size, as `StagedKeys` without notes. The first ones are kept in memory, which takes a tenth
 * of the time, and in a table only those that do not fit.
 */
export class FileKeys {
  readonly #tx: Transaction<Schema>;
  readonly #name: string;
  readonly #mostBytes: number;
  readonly #first = new KeyIndex();
  #further: StagedKeys | undefined;

  /** @param name of the table, if one is needed */
  constructor(tx: Transaction<Schema>, name: string, mostBytes = MOST_BYTES) {
    this.#tx = tx;
    this.#name = name;
    this.#mostBytes = mostBytes;
  }

  /** Adds keys in their order. For each that is not new, by its line: the line on which it stands first. */
  async add(rows: readonly StagedKey[]): Promise<Map<number, number>> {
    const firstLines = new Map<number, number>();
    const further: StagedKey[] = [];
    const isFull = this.#first.byteLength > this.#mostBytes;
    for (const row of rows) {
      const { key, line } = row;
      const firstLine = isFull ? this.#first.find(key) : this.#first.add(key, line);
      if (firstLine !== undefined) firstLines.set(line, firstLine);
      else if (isFull) further.push(row);
    }
    if (further.length === 0) return firstLines;
    this.#further ??= await StagedKeys.create(this.#tx, this.#name);
    for (const [line, first] of await this.#further.add(further)) firstLines.set(line, first.line);
    return firstLines;
  }

  /** For each of the keys that was added, the line on which it stands first. */
  async find(keys: readonly string[]): Promise<Map<string, number>> {
    const lines = new Map<string, number>();
    for (const key of keys) {
      const line = this.#first.find(key);
      if (line !== undefined) lines.set(key, line);
    }
    const further = keys.filter((key) => !lines.has(key));
    for (const [key, { line }] of (await this.#further?.find(further)) ?? []) lines.set(key, line);
    return lines;
  }
}
