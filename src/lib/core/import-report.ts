import { UserError } from './errors.ts';

/** A row of a file as it was read, for messages. */
export interface SourceRow {
  /** The line on which it starts; the header is on line 1. */
  readonly line: number;
  /** The text of its cells by column. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A row that cannot be imported, and the rule that it breaks. */
export interface RefusedRow {
  readonly line: number;
  /** The column at fault; null when it is the whole row. */
  readonly field: string | null;
  readonly value: string | null;
  readonly code: string;
  readonly reason: string;
}

/** What an import did, or would do. */
export interface ImportResult {
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  /** The first of the refused rows, in the order of the file, at most LISTED_ROWS. */
  readonly refused: readonly RefusedRow[];
  /** All refused rows, listed or not. */
  readonly refusedRows: number;
}

/** How many refused rows are listed. */
export const LISTED_ROWS = 100;

const LONGEST_VALUE = 200;

/** Counts what becomes of the rows of a file, and keeps the first ones that are refused. */
export class ImportReport {
  inserted = 0;
  updated = 0;
  unchanged = 0;
  #refusedRows = 0;
  #refused: RefusedRow[] = [];

  /** Rows that were read and decided about. */
  get rows(): number {
    return this.inserted + this.updated + this.unchanged + this.#refusedRows;
  }

  get refusedRows(): number {
    return this.#refusedRows;
  }

  /**
   * What `decide` returns; undefined when it refuses, and then the row is refused with that reason.
   * The column at fault is `column`, or the one that the refusal names as `field`.
   */
  attempt<T>(row: SourceRow, decide: () => T, column?: string): T | undefined {
    try {
      return decide();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.refuse(row, error, column);
      return undefined;
    }
  }

  /** Takes a row as refused. Rows may come a little out of order. */
  refuse({ line, texts }: SourceRow, { code, message: reason, data }: UserError, column?: string): void {
    const field = column ?? (typeof data.field === 'string' && data.field in texts ? data.field : null);
    const value = field === null ? null : (texts[field] ?? '');
    this.#refusedRows += 1;
    this.#refused.push({ line, field, value: value?.slice(0, LONGEST_VALUE) ?? null, code, reason });
    if (this.#refused.length > 2 * LISTED_ROWS) this.#refused = this.#firstRefused();
  }

  result(): ImportResult {
    const { rows, inserted, updated, unchanged, refusedRows } = this;
    return { rows, inserted, updated, unchanged, refused: this.#firstRefused(), refusedRows };
  }

  #firstRefused(): RefusedRow[] {
    return [...this.#refused].sort((a, b) => a.line - b.line).slice(0, LISTED_ROWS);
  }
}
