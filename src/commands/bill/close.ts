import { billDocument } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { idArg, instant } from '../../lib/cli/flags.ts';
import { formatInstant } from '../../lib/core/instant.ts';
import { closeBill } from '../../lib/ops/bills.ts';

export default class BillClose extends BaseCommand {
  static override summary = 'Issue a draft: give it its number';
  static override description = `The draft becomes a bill with the next number and does not change any more.
It is issued at the instant it was made for, or at a later one; never before another bill that has its number.`;
  static override examples = ['<%= config.bin %> bill close 7', '<%= config.bin %> bill close 7 --at now'];
  static override args = { id: idArg('Id of the draft') };
  static override flags = {
    at: instant({ summary: "Issue instant; default: the draft's own" }),
  };

  async run() {
    const { args, flags } = await this.parse(BillClose);
    const bill = await closeBill(await this.context(), args.id, flags.at);
    this.say(`Draft ${bill.id} is bill ${bill.number} now, issued at ${formatInstant(bill.issuedAt)}.`);
    return { bills: [billDocument(bill)] };
  }
}
