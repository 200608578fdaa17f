import { BaseCommand } from '../../lib/cli/command.ts';
import { orderArg, orderDocument, orderFields } from '../../lib/cli/orders.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { showOrder } from '../../lib/ops/orders.ts';

export default class OrderShow extends BaseCommand {
  static override summary = 'Show one order';
  static override description = `Prints all that is stored about an order, and the orders that replace it.
The end is the order's own or, if it has none, the start of the order that replaces it.`;
  static override examples = [
    '<%= config.bin %> order show 7',
    '<%= config.bin %> order show nico-vm',
    '<%= config.bin %> order show ref:2025001 --json | jq ".order.replaced_by"',
  ];
  static override args = { order: orderArg };

  async run() {
    const { args } = await this.parse(OrderShow);
    const order = await showOrder(await this.context(), args.order);
    this.log(renderFields(orderFields(order)));
    const document = orderDocument(order);
    return { order: document, orders: [document] };
  }
}
