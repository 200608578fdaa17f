import { billReference, day, username } from '../../lib/cli/flags.ts';
import { ListCommand } from '../../lib/cli/list-command.ts';
import { paymentDocument, paymentTable } from '../../lib/cli/payments.ts';
import { listPayments } from '../../lib/ops/payments.ts';

export default class PaymentList extends ListCommand {
  static override summary = 'List payments';
  static override description =
    'Lists payments by the day on which the money arrived. A negative amount was given back.';
  static override examples = [
    '<%= config.bin %> payment list --bill 12',
    '<%= config.bin %> payment list --from 2026-01-01 --to 2026-02-01',
  ];
  static override flags = {
    bill: billReference({ summary: 'Only payments of this bill' }),
    user: username({ summary: 'Only payments of this user' }),
    from: day({ summary: 'Only payments of this day or later' }),
    to: day({ summary: 'Only payments before this day' }),
  };

  async run() {
    const { flags } = await this.parse(PaymentList);
    const { bill, user, from, to } = flags;
    const context = await this.context();
    const none = 'There are no such payments. Record one with: uncloud payment record';
    const style = { name: 'payments', document: paymentDocument, table: paymentTable, none };
    await this.list(style, (take) => listPayments(context, { bill, username: user, from, to }, take));
  }
}
