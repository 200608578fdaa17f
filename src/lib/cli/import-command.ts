import { Flags } from '@oclif/core';
import { EXIT, type RefusedRow, UserError } from '../core/errors.ts';
import { type ImportResult, LISTED_ROWS } from '../core/import-report.ts';
import type { ImportOptions } from '../io/import-file.ts';
import { FILE_FORMATS } from '../io/import-rows.ts';
import type { Context } from '../ops/context.ts';
import { BaseCommand, type Document } from './command.ts';
import { dryRun, exitCode, fileOnly, requiredArg } from './flags.ts';
import { renderTable, right } from './table.ts';

/** The flags of every import. */
export const importFlags = {
  format: Flags.option({
    options: FILE_FORMATS,
    summary: 'How the file is written; default: jsonl for .jsonl and .ndjson, else csv',
  })(),
  partial: Flags.boolean({ summary: 'Import the good rows and list the others' }),
  rejects: fileOnly(
    'Refused rows go',
    'Name a file, which is there once the import is done: --rejects refused.csv',
  )({
    dependsOn: ['partial'],
    exclusive: ['dry-run'],
    summary: 'Write the refused rows, each with the reason, to a file that can be corrected and imported',
  }),
  'dry-run': dryRun,
  'exit-code': exitCode,
};

/** The argument of every import. */
export const importArgs = { file: requiredArg('CSV or JSON Lines file, UTF-8; - is standard input') };

/** What the description of every import ends with. */
export const importRules = `All rows are imported or none: when rows are faulty they are listed (the first ${LISTED_ROWS}) and nothing is changed.
With --partial the good rows are imported and the others listed, with exit code 3; --rejects FILE keeps them for
correction. Importing the same file again changes nothing. A JSON Lines file has an object on each line, with the
columns as names. The column reason, which reject files have, is not read.`;

/** An import as an op does it. */
type Import = (context: Context, options: ImportOptions) => Promise<ImportResult>;

interface ImportFlags extends Omit<ImportOptions, 'file' | 'dryRun'> {
  readonly 'dry-run': boolean;
  readonly 'exit-code': boolean;
}

/** The base of the commands that import files: the rows that were refused, what was done, and the exit code. */
export abstract class ImportCommand extends BaseCommand {
  /** Imports a file and tells what became of the rows, called `things`; gives the document of `--json`. */
  protected async import(work: Import, things: string, file: string, flags: ImportFlags): Promise<Document> {
    const isPlan = flags['dry-run'];
    const { format, partial, rejects } = flags;
    const options = { file, format, partial, dryRun: isPlan, rejects };
    const result = await work(await this.context(), options).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'IMPORT_REFUSED') {
        this.#list(error.data.refused as RefusedRow[], error.data.refused_rows as number);
      }
      throw error;
    });
    const { rows, inserted, updated, unchanged, refused, refusedRows } = result;
    this.#list(refused, refusedRows);
    if (rows === 0) {
      this.say('Nothing to import: the file has no rows.');
    } else if (inserted + updated + refusedRows === 0) {
      this.say(`Nothing to change: all ${rows} ${things} are as in the file.`);
    } else {
      const counts = `${inserted} inserted, ${updated} updated, ${unchanged} unchanged, ${refusedRows} refused`;
      this.say(`${isPlan ? 'Would import' : 'Imported'} ${things}: ${counts}.`);
    }
    if (refusedRows > 0 && rejects !== undefined) {
      this.say(`Correct the refused rows in ${rejects} and import that file.`);
    }
    if (refusedRows > 0) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, inserted + updated > 0);
    return { rows, inserted, updated, unchanged, refused_rows: refusedRows, refused };
  }

  #list(refused: readonly RefusedRow[], count: number): void {
    if (refused.length === 0) return;
    const columns = [right('line'), { title: 'column' }, { title: 'reason', below: true }];
    this.log(
      renderTable(
        columns,
        refused.map(({ line, field, reason }) => [line, field, reason]),
      ),
    );
    const listed = new Set(refused.map(({ line }) => line)).size;
    if (count > listed) this.log(`… and ${count - listed} more`);
    for (const cure of curesOf(refused)) this.say(cure);
  }
}

/** What to do about the faults of rows, once for each column and rule. */
function curesOf(refused: readonly RefusedRow[]): string[] {
  const byRule = Map.groupBy(refused, ({ field, code }) => `${field} ${code}`).values();
  return [...byRule].flatMap(([first]) => {
    if (first === undefined) return [];
    return first.field === null ? first.hint : `${first.field}: ${first.hint}`;
  });
}
