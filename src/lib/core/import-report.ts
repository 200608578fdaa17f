import type { RefusedRow, UserError } from './errors.ts';

/** A fault of a row: the rule that it breaks and the column at fault; null when it is the whole row. */
export interface RowFault {
  readonly field: string | null;
  readonly error: UserError;
}

/** A row of a file as messages speak of it. */
export interface FaultyRow {
  /** The line on which it starts; the header of a CSV file is on line 1. */
  readonly line: number;
  readonly faults: readonly RowFault[];
  /** The cell of a column as it was read, or empty. */
  text(column: string): string;
}

/** What an import did, or would do. */
export interface ImportResult {
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  /** All faults of the first refused rows, in the order of the file; of at most LISTED_ROWS rows. */
  readonly refused: readonly RefusedRow[];
  /** All refused rows, listed or not. */
  readonly refusedRows: number;
}

/** How many refused rows are listed. */
export const LISTED_ROWS = 100;

const LONGEST_VALUE = 200;

/** Counts what becomes of the rows of a file, and keeps the faults of the first ones that are refused. */
export class ImportReport {
  inserted = 0;
  updated = 0;
  unchanged = 0;
  #refusedRows = 0;
  #refused: RefusedRow[][] = [];

  /** Rows that were read and decided about. */
  get rows(): number {
    return this.inserted + this.updated + this.unchanged + this.#refusedRows;
  }

  get refusedRows(): number {
    return this.#refusedRows;
  }

  /** Takes a row as refused for its faults, of which it has at least one. Rows may come out of order. */
  refuse(row: FaultyRow): void {
    const { line } = row;
    this.#refusedRows += 1;
    this.#refused.push(
      row.faults.map(({ field, error: { code, message: reason, hint } }) => {
        const value = field === null ? null : row.text(field).slice(0, LONGEST_VALUE);
        return { line, field, value, code, reason, hint };
      }),
    );
    if (this.#refused.length > 2 * LISTED_ROWS) this.#refused = this.#firstRefused();
  }

  result(): ImportResult {
    const { rows, inserted, updated, unchanged, refusedRows } = this;
    return { rows, inserted, updated, unchanged, refused: this.#firstRefused().flat(), refusedRows };
  }

  #firstRefused(): RefusedRow[][] {
    const lineOf = ([fault]: RefusedRow[]) => fault?.line ?? 0;
    return [...this.#refused].sort((a, b) => lineOf(a) - lineOf(b)).slice(0, LISTED_ROWS);
  }
}
