import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/cli/command.ts';
import { dryRun, exitCode, optionalArg } from '../lib/cli/flags.ts';
import { vatFaultTable } from '../lib/cli/vat-rates.ts';
import { importVatRates } from '../lib/ops/vat-rates.ts';

export default class ImportVatRates extends BaseCommand {
  static override summary = 'Import VAT rates from a file, an address or the shipped table';
  static override description =
    `Without SOURCE the table that comes with uncloud is imported: the current and past standard rates
of the EU, CH, LI, GB, NO and IS. A file has the columns start_date, stop_date, territory_codes, currency_code,
rate, rate_type and description; stop_date is exclusive and rates are fractions (0.081 is 8.1 %).
Any fault refuses the whole file. Importing the same rates again changes nothing.`;
  static override examples = [
    '<%= config.bin %> import-vat-rates',
    '<%= config.bin %> import-vat-rates vat_rates.csv --dry-run',
    '<%= config.bin %> import-vat-rates - < vat_rates.csv',
  ];
  static override args = { source: optionalArg('File, - for standard input, or https:// address') };
  static override flags = {
    'allow-history-change': Flags.boolean({
      summary: 'Let the import change rates that applied before today',
    }),
    'dry-run': dryRun,
    'exit-code': exitCode,
  };

  async run() {
    const { args, flags } = await this.parse(ImportVatRates);
    const { recordsRead, duplicates, counts, warnings } = await importVatRates(
      await this.context(),
      args.source,
      {
        dryRun: flags['dry-run'],
        allowHistoryChange: flags['allow-history-change'],
      },
    ).catch((error: unknown) => {
      const faults = vatFaultTable(error);
      if (faults !== undefined) this.log(faults);
      throw error;
    });
    const changed = counts.inserted + counts.updated;
    this.exitIfPending(flags, changed > 0);
    for (const { line, reason } of warnings)
      this.sayWarning(line === null ? reason : `line ${line}: ${reason}`);
    const { inserted, updated, unchanged } = counts;
    this.say(
      changed === 0
        ? `Nothing to change: all ${unchanged} rates are there already (${recordsRead} records read).`
        : `${flags['dry-run'] ? 'Would change' : 'Changed'} VAT rates: ${inserted} inserted, ${updated} updated, ${unchanged} unchanged (${recordsRead} records read, ${duplicates} duplicates).`,
    );
    return { records_read: recordsRead, duplicates, rates: counts, warnings };
  }
}
