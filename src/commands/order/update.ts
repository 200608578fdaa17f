import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { instantOrNone, orNull } from '../../lib/cli/flags.ts';
import { orderArg, orderDocument, orderFields } from '../../lib/cli/orders.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { changeOrder } from '../../lib/ops/orders.ts';

export default class OrderUpdate extends BaseCommand {
  static override summary = 'Change the end of an order, or whether it is billed';
  static override description =
    `Sets any end from the start on; the next bills charge or credit the difference. An order that was replaced
does not go on beside its successor, but for the rest of the period in which a dearer one starts. An earlier end also
brings the end of the service forward.`;
  static override examples = [
    '<%= config.bin %> order update 7 --ends-at 2025-03-01',
    '<%= config.bin %> order update nico-vm --ends-at none --no-not-for-billing',
    '<%= config.bin %> order update 7 --service-ends-at 2025-02-14T18:00:00Z',
  ];
  static override args = { order: orderArg };
  static override flags = {
    'ends-at': instantOrNone({ summary: 'The first instant at which it runs no more' }),
    'service-ends-at': instantOrNone({ summary: 'When the service is shut down; bills do not depend on it' }),
    'not-for-billing': Flags.boolean({ allowNo: true, summary: 'Whether bills leave the order out' }),
  };

  async run() {
    const { args, flags } = await this.parse(OrderUpdate);
    const { order, changed } = await changeOrder(await this.context(), args.order, {
      endsAt: orNull(flags['ends-at']),
      serviceEndsAt: orNull(flags['service-ends-at']),
      notForBilling: flags['not-for-billing'],
    });
    this.log(renderFields(orderFields(order)));
    this.say(changed ? `Updated order ${order.id}.` : `Order ${order.id} is so already; nothing changed.`);
    return { order: orderDocument(order), changed };
  }
}
