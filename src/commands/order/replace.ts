import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, instant } from '../../lib/cli/flags.ts';
import { orderArg, orderDocument, orderTable, termFlags, termsFromFlags } from '../../lib/cli/orders.ts';
import { replaceOrder } from '../../lib/ops/orders.ts';

export default class OrderReplace extends BaseCommand {
  static override summary = 'Replace an order by one with other terms';
  static override description =
    `Terms of an order never change: the old order ends and a new one takes its place. The same terms again are refused.
A dearer or equal one (an upgrade) starts at once; the running period of the old one is charged up to then, or whole
with --policy full. A cheaper one (a downgrade) starts when the running period and the commitment are over.
Before the old order has started, the new one stands in its place from the start.

What is not given is inherited, except the end and the one-time price: that is 0 unless it is given or comes with
another product.`;
  static override examples = [
    '<%= config.bin %> order replace 7 --recurring-price 20',
    '<%= config.bin %> order replace nico-vm --product "Dual-stack VM" --dry-run',
    '<%= config.bin %> order replace ref:2025001 --quantity 3 --at 2025-01-16 --policy full',
  ];
  static override args = { order: orderArg };
  static override flags = {
    ...termFlags,
    at: instant({ summary: 'When the change is asked for; default: now' }),
    policy: Flags.option({
      options: ['prorate', 'full'] as const,
      summary: 'How an upgrade ends the old order; default: billing.upgrade_policy',
    })(),
    'dry-run': dryRun,
  };

  async run() {
    const { args, flags } = await this.parse(OrderReplace);
    const context = await this.context();
    const { product, reference } = flags;
    const successor = { ...termsFromFlags(flags), product, reference };
    const { kind, order, replaced } = await replaceOrder(context, args.order, successor, {
      at: flags.at ?? context.now,
      policy: flags.policy,
      dryRun: flags['dry-run'],
    });
    this.log(orderTable([replaced, order]));
    if (order.id === null) this.say(`Would replace order ${replaced.id} (${kind}).`);
    else this.say(`Replaced order ${replaced.id} by order ${order.id} (${kind}).`);
    return { kind, order: orderDocument(order), replaced: orderDocument(replaced) };
  }
}
