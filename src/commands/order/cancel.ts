import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, instant } from '../../lib/cli/flags.ts';
import { orderArg, orderDocument, orderFields } from '../../lib/cli/orders.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { cancelOrder } from '../../lib/ops/orders.ts';

export default class OrderCancel extends BaseCommand {
  static override summary = 'End an order with its running period';
  static override description =
    `The order ends when its running period and the committed ones are over, and nothing
is given back. An order that has not started ends at its start: it never existed.
For any other end use uncloud order update --ends-at.`;
  static override examples = [
    '<%= config.bin %> order cancel 7',
    '<%= config.bin %> order cancel nico-vm --at 2025-01-16 --dry-run',
  ];
  static override args = { order: orderArg };
  static override flags = {
    at: instant({ summary: 'When the cancellation is asked for; default: now' }),
    'dry-run': dryRun,
  };

  async run() {
    const { args, flags } = await this.parse(OrderCancel);
    const context = await this.context();
    const options = { at: flags.at ?? context.now, dryRun: flags['dry-run'] };
    const { order, changed } = await cancelOrder(context, args.order, options);
    this.log(renderFields(orderFields(order)));
    if (!changed) this.say(`Order ${order.id} ends then already; there is nothing to change.`);
    else this.say(`${flags['dry-run'] ? 'Would cancel' : 'Cancelled'} order ${order.id}.`);
    return { order: orderDocument(order), changed };
  }
}
