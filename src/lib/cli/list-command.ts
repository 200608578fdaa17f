import { setImmediate } from 'node:timers/promises';
import type { TakePage } from '../io/db/pages.ts';
import { isReaderGone } from '../io/stdout.ts';
import { BaseCommand } from './command.ts';
import { ListDocument } from './document.ts';

/** How a list is shown. */
export interface ListStyle<Row> {
  /** What the rows are called in the document of `--json`. */
  readonly name: string;
  readonly document: (row: Row) => object;
  /** A table with titles. */
  readonly table: (rows: readonly Row[]) => string;
  /** What is said to a person when there are none. */
  readonly none: string;
}

/** The base of the commands that list what a provider may have a million of: rows are printed as they come. */
export abstract class ListCommand extends BaseCommand {
  /** Prints what `read` hands on. */
  protected async list<Row>(
    { name, document, table, none }: ListStyle<Row>,
    read: (take: TakePage<Row>) => Promise<void>,
  ): Promise<void> {
    const written = this.jsonEnabled() ? new ListDocument(name) : null;
    let count = 0;
    await read(async (rows) => {
      if (written !== null) await written.add(rows.map(document));
      else this.log(count === 0 ? table(rows) : withoutTitles(table(rows)));
      // SQLite answers at once: without a pause nobody would hear that the reader is gone.
      await setImmediate();
      count += rows.length;
      return !isReaderGone();
    });
    await written?.end();
    if (count === 0) this.say(none);
  }

  /** The document is written already. */
  protected override logJson(): void {}
}

function withoutTitles(table: string): string {
  return table.slice(table.indexOf('\n') + 1);
}
