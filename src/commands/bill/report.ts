import { Flags } from '@oclif/core';
import { reportCsv, reportDocument, reportTable } from '../../lib/cli/bill-report.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { instant } from '../../lib/cli/flags.ts';
import { REPORT_KEYS } from '../../lib/core/bill-report.ts';
import { reportBills } from '../../lib/ops/bill-report.ts';

export default class BillReport extends BaseCommand {
  static override summary = 'Add up bills by month, product, VAT group or territory';
  static override description =
    `Adds up what was issued, credit notes included and drafts left out, by currency and what --by names: what a VAT
return asks for. A VAT group is a treatment, a territory and a rate; --by vat is the default. The last lines are the
totals of the bills themselves.
VAT is computed once for each VAT group of a bill, not for its lines: by product there are net amounts only.
On a terminal each line ends with its net amounts in the last months, drawn as bars.`;
  static override examples = [
    '<%= config.bin %> bill report --from 2026-01-01 --to 2026-04-01',
    '<%= config.bin %> bill report --by month --by territory --csv > report.csv',
    `<%= config.bin %> bill report --json | jq -r '.rows[] | select(.treatment == "destination") | .territory + " " + .rate + " " + .vat'`,
  ];
  static override flags = {
    from: instant({ summary: 'Only bills issued at this instant or later' }),
    to: instant({ summary: 'Only bills issued before this instant' }),
    by: Flags.option({
      options: REPORT_KEYS,
      multiple: true,
      default: ['vat'],
      summary: 'What to tell apart; repeatable',
    })(),
    csv: Flags.boolean({ summary: 'Print CSV, a line for each sum', exclusive: ['json'] }),
  };

  async run() {
    const { flags } = await this.parse(BillReport);
    const { from, to, by, csv } = flags;
    const report = await reportBills(await this.context(), new Set(by), { from, to });
    if (report.rows.length === 0) this.say('No bills were issued then.');
    else if (csv) this.log(reportCsv(report));
    else this.log(reportTable(report));
    return reportDocument(report);
  }
}
