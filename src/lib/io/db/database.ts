import type { Kysely, Transaction } from 'kysely';
import { type DatabaseUrl, redactDatabaseUrl } from '../../core/database-url.ts';
import type { Schema } from './schema.ts';

/** The databases that are supported, by the names that `info` and messages give them. */
export type Backend = 'sqlite' | 'postgresql';

/** What a write transaction changes. On PostgreSQL writers of one topic take turns; on SQLite all writers do. */
export type Topic =
  | 'migrations'
  | 'people'
  | 'seller'
  | 'products'
  | 'orders'
  | 'bills'
  | 'payments'
  | 'vat-rates'
  | 'vpn';

/** Runs one part of a longer work in a transaction, on one unchanging snapshot. */
export type Batch = <T>(part: (tx: Transaction<Schema>) => Promise<T>) => Promise<T>;

/** An open database. It holds one connection: everything that an op does with it happens in one order. */
export interface Database {
  readonly backend: Backend;
  /** The address without a password, for messages. */
  readonly address: string;
  /** For single statements. Inside `read` and `write` use the transaction they give. */
  readonly kysely: Kysely<Schema>;
  /** Runs `work` on one unchanging snapshot of the data. */
  read<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs `work` on one unchanging snapshot of the data with temporary tables of its own. It changes nothing else, and
   * keeps no writer waiting.
   */
  rehearse<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** Reads in parts what is more than fits into memory, all parts on one unchanging snapshot. */
  readInBatches<T>(work: (batch: Batch) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one transaction: all of it happens or nothing. What it changed is appended to the audit trail in
   * the same transaction.
   * @throws DATABASE_BUSY when another writer does not finish in time
   */
  write<T>(topic: Topic, work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs work that is too long for one transaction while nobody else writes the topic. Every part that it hands to
   * `batch` is a transaction of its own, which happens whole or not at all; PostgreSQL may run a part again when
   * another command changed what it read. On SQLite, where a writer locks out all others, the parts are one
   * transaction together.
   * @throws DATABASE_BUSY when another writer does not finish in time
   */
  writeInBatches<T>(topic: Topic, work: (batch: Batch) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How a database is opened other than commands mostly do: an existing one, of an up-to-date schema. */
export interface OpenOptions {
  /** Accept a schema that is missing or not up to date: for `migrate`, `doctor` and `info`. */
  readonly anySchema?: boolean;
  /** Create a missing SQLite file, mode 0600, with its folder. */
  readonly create?: boolean;
  /** Let a statement run for at most this many seconds (PostgreSQL). */
  readonly statementSeconds?: number;
}

/** Where the address of a database was read. */
export interface Origin {
  /** The path of a configuration file, a variable or a flag. */
  readonly name: string;
  readonly isFile: boolean;
}

/** The address of a database as messages show it. */
export function addressOf(url: DatabaseUrl): string {
  return url.backend === 'sqlite' ? `sqlite:${url.path}` : redactDatabaseUrl(url.url);
}

/** Runs `work` in a transaction that may write the topic or, for a plan, in one that can change nothing. */
export function readOrWrite<T>(
  database: Database,
  { topic, dryRun }: { topic: Topic; dryRun: boolean },
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return dryRun ? database.read(work) : database.write(topic, work);
}

/** The one row that a query must return; a missing one is a bug. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new Error(`one row expected, ${rows.length} found`);
  return row;
}

/**
 * Waits for works that use one transaction at the same time. When one fails it still waits for the others, which must
 * not go on when the transaction is over, and throws what failed first: the rest may fail because of that.
 */
export async function together<const Works extends readonly unknown[]>(
  works: Works,
): Promise<{ -readonly [Index in keyof Works]: Awaited<Works[Index]> }> {
  try {
    return await Promise.all(works);
  } finally {
    await Promise.allSettled(works);
  }
}
