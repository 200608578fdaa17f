import { billDocument } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { idArg, yes } from '../../lib/cli/flags.ts';
import { discardBill } from '../../lib/ops/bills.ts';

export default class BillDiscard extends BaseCommand {
  static override summary = 'Delete a draft';
  static override description = `What the draft charged is due again, and the next run bills it.
An issued bill cannot be deleted: correct the orders, and the next bill credits the difference.`;
  static override examples = ['<%= config.bin %> bill discard 7', '<%= config.bin %> bill discard 7 --yes'];
  static override args = { id: idArg('Id of the draft') };
  static override flags = { yes };

  async run() {
    const { args, flags } = await this.parse(BillDiscard);
    await this.confirm(`Delete the draft ${args.id} with its records?`, flags);
    const bill = await discardBill(await this.context(), args.id);
    this.say(`Draft ${bill.id} is deleted; what it charged is due again.`);
    return { bills: [billDocument(bill)] };
  }
}
