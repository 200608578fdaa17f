import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { instant, username } from '../../lib/cli/flags.ts';
import { orderDocument, orderFields, termFlags, termsFromFlags } from '../../lib/cli/orders.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { createOrder } from '../../lib/ops/orders.ts';

export default class OrderCreate extends BaseCommand {
  static override summary = 'Order something for a user';
  static override description =
    `With --product the price for --period, or the product's default price, is copied;
--recurring-price, --one-time-price and --currency override it. Without a product give prices, period and currency.
What is charged follows from the order alone: run uncloud bill generate.
With --reference the same order is placed once, however often the command is run.`;
  static override examples = [
    '<%= config.bin %> order create --user nico --product VM --period 30d --reference nico-vm',
    '<%= config.bin %> order create --user nico --recurring-price 10 --period 30d --currency CHF --starts-at 2025-01-01',
    '<%= config.bin %> order create --user nico --one-time-price -5 --currency CHF --description "Outage of May"',
  ];
  static override flags = {
    user: username({ required: true, summary: 'Who orders' }),
    ...termFlags,
    'starts-at': instant({ summary: 'When it starts; default: now' }),
    'ends-at': instant({ summary: 'The first instant at which it runs no more; default: open' }),
    'not-for-billing': Flags.boolean({ summary: 'Never put it on a bill' }),
  };

  async run() {
    const { flags } = await this.parse(OrderCreate);
    const { user, product, reference } = flags;
    const { order, created } = await createOrder(
      await this.context(),
      { username: user, product, reference },
      {
        ...termsFromFlags(flags),
        startsAt: flags['starts-at'],
        endsAt: flags['ends-at'],
        notForBilling: flags['not-for-billing'] || undefined,
      },
    );
    this.log(renderFields(orderFields(order)));
    this.say(created ? `Created order ${order.id}.` : `Order ${order.id} exists already; nothing changed.`);
    return { order: orderDocument(order), created };
  }
}
