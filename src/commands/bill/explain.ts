import { explanationDocument, explanationFields } from '../../lib/cli/bill-explanation.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { billArg } from '../../lib/cli/flags.ts';
import { billHeadJson } from '../../lib/core/bill-document.ts';
import { explainBill } from '../../lib/ops/bills.ts';

export default class BillExplain extends BaseCommand {
  static override summary = 'Show how each amount of a bill comes about';
  static override description =
    `Prints for each record the formula with its numbers, the VAT rate with the day from which it applies, and the rule.
What is owed for the first seconds of a period is price × quantity × seconds ÷ seconds of the period, rounded half up.
A record is the difference between what is charged after it and before it; a credit goes from more to less.
A draft has no number: name it by its id, as in id:7.`;
  static override examples = [
    '<%= config.bin %> bill explain 12',
    '<%= config.bin %> bill explain id:7',
    `<%= config.bin %> bill explain 12 --json | jq -r '.records[] | .net + " " + .rule'`,
  ];
  static override args = { number: billArg };

  async run() {
    const { args } = await this.parse(BillExplain);
    const { bill, records } = await explainBill(await this.context(), args.number);
    this.log(records.map((record) => explanationFields(bill, record)).join('\n\n'));
    return {
      bill: billHeadJson(bill),
      records: records.map((record) => explanationDocument(bill, record)),
    };
  }
}
