import { BaseCommand } from '../../lib/cli/command.ts';
import { day, territory } from '../../lib/cli/flags.ts';
import { vatRateDocument, vatRateTable } from '../../lib/cli/vat-rates.ts';
import { listVatRates } from '../../lib/ops/vat-rates.ts';

export default class VatRateList extends BaseCommand {
  static override summary = 'List VAT rates';
  static override description =
    'A rate holds from its first day up to, and not including, the day in the column "until".';
  static override examples = [
    '<%= config.bin %> vat-rate list --territory CH',
    '<%= config.bin %> vat-rate list --on 2024-01-01',
  ];
  static override flags = {
    territory: territory({ summary: 'Only this territory: DE, AT-6691 …' }),
    on: day({ summary: 'Only the rates in force on this day' }),
  };

  async run() {
    const { flags } = await this.parse(VatRateList);
    const rates = await listVatRates(await this.context(), flags);
    if (rates.length > 0) this.log(vatRateTable(rates));
    else this.say('There are no such rates. Import the shipped ones with: uncloud import-vat-rates');
    return { rates: rates.map(vatRateDocument) };
  }
}
