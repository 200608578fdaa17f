import { Flags } from '@oclif/core';
import { refuse } from '../core/errors.ts';
import type { ExportOptions } from '../io/export-file.ts';
import { FILE_FORMATS } from '../io/import-rows.ts';
import { isReaderGone } from '../io/stdout.ts';
import type { Context } from '../ops/context.ts';
import { BaseCommand, type Document } from './command.ts';

/** The flags of every export. */
export const exportFlags = {
  output: Flags.string({
    char: 'o',
    default: '-',
    helpValue: 'FILE|-',
    summary: 'A new file, mode 0600, or standard output',
  }),
  format: Flags.option({
    options: FILE_FORMATS,
    summary: 'How it is written; default: jsonl for .jsonl and .ndjson, else csv',
  })(),
};

/** The base of the commands that write what another one reads. */
export abstract class ExportCommand extends BaseCommand {
  /** Writes rows, called `things`, and tells how many; gives the document of `--json`. */
  protected async export<Options extends ExportOptions>(
    work: (context: Context, options: Options) => Promise<number>,
    things: string,
    options: Options,
  ): Promise<Document> {
    const { output } = options;
    this.checkOutput(output);
    const rows = await work(await this.context(), options);
    if (!isReaderGone()) this.say(`Exported ${rows} ${things}.`);
    return { output, rows };
  }

  /** @throws OUTPUT_NEEDED when both the data and the document of `--json` would go to standard output */
  protected checkOutput(output: string): void {
    if (this.jsonEnabled() && output === '-') throw refuse.OUTPUT_NEEDED({ command: this.words });
  }
}
