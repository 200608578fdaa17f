import { Flags } from '@oclif/core';
import { EXIT, UserError } from '../core/errors.ts';
import type { ImportResult, RefusedRow } from '../core/import-report.ts';
import { BaseCommand, type Document } from './command.ts';
import { dryRun, exitCode } from './flags.ts';
import { renderTable } from './table.ts';

/** The flags of every import. */
export const importFlags = {
  partial: Flags.boolean({ summary: 'Import the good rows and list the others' }),
  'dry-run': dryRun,
  'exit-code': exitCode,
};

interface ImportFlags {
  readonly 'dry-run': boolean;
  readonly 'exit-code': boolean;
}

/** The base of the commands that import files: the rows that were refused, what was done, and the exit code. */
export abstract class ImportCommand extends BaseCommand {
  /** Waits for an import and tells what became of the rows, called `things`; gives the document of `--json`. */
  protected async tell(work: Promise<ImportResult>, things: string, flags: ImportFlags): Promise<Document> {
    const result = await work.catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'IMPORT_REFUSED') {
        this.#list(error.data.refused as RefusedRow[], error.data.refused_rows as number);
      }
      throw error;
    });
    const { rows, inserted, updated, unchanged, refused, refusedRows } = result;
    this.#list(refused, refusedRows);
    const isPlan = flags['dry-run'];
    if (inserted + updated + refusedRows === 0) {
      this.say(`Nothing to change: all ${rows} ${things} are as in the file.`);
    } else {
      const counts = `${inserted} inserted, ${updated} updated, ${unchanged} unchanged, ${refusedRows} refused`;
      this.say(`${isPlan ? 'Would import' : 'Imported'} ${things}: ${counts}.`);
    }
    if (refusedRows > 0) this.exitWith(EXIT.PARTLY);
    else if (isPlan && flags['exit-code'] && inserted + updated > 0) this.exitWith(EXIT.PENDING);
    return { rows, inserted, updated, unchanged, refused_rows: refusedRows, refused };
  }

  #list(refused: readonly RefusedRow[], count: number): void {
    if (refused.length === 0) return;
    const columns = [{ title: 'line', align: 'right' as const }, { title: 'field' }, { title: 'reason' }];
    this.log(
      renderTable(
        columns,
        refused.map(({ line, field, reason }) => [line, field, reason]),
      ),
    );
    if (count > refused.length) this.log(`… and ${count - refused.length} more`);
  }
}
