import { Flags } from '@oclif/core';
import { asUser, username } from '../../lib/cli/flags.ts';
import { ListCommand } from '../../lib/cli/list-command.ts';
import { orderDocument, orderTable, product } from '../../lib/cli/orders.ts';
import { listOrders } from '../../lib/ops/orders.ts';

export default class OrderList extends ListCommand {
  static override summary = 'List orders';
  static override description = `Lists orders in the order of their ids, ended ones included.
An end is the first instant at which the order runs no more.`;
  static override examples = [
    '<%= config.bin %> order list --user nico --active',
    `<%= config.bin %> order list --json | jq -r '.orders[] | select(.ends_at == null) | .id'`,
  ];
  static override flags = {
    user: username({ summary: 'Only orders of this user' }),
    product: product({ summary: 'Only orders of this product' }),
    'as-user': asUser,
    active: Flags.boolean({ summary: 'Only orders that run now: started and not ended' }),
  };

  async run() {
    const { flags } = await this.parse(OrderList);
    const filter = { username: flags.user, product: flags.product, active: flags.active };
    const context = await this.context();
    const none = 'There are no such orders. Place one with: uncloud order create';
    const style = { name: 'orders', document: orderDocument, table: orderTable, none };
    await this.list(style, (take) => listOrders(context, filter, take));
  }
}
