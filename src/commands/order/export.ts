import { ExportCommand, exportFlags } from '../../lib/cli/export-command.ts';
import { asUser, username } from '../../lib/cli/flags.ts';
import { exportOrders } from '../../lib/ops/order-export.ts';

export default class OrderExport extends ExportCommand {
  static override summary = 'Write orders as order import reads them';
  static override description =
    `The file has the columns of uncloud order import, ended orders included, and importing it again changes nothing. An
order without a reference gets one in the file, order-ID-DIGITS, by which the import knows it.

It leaves out what no such file says: the end of the service, and what was billed. Another database that imports the
orders bills them from their starts on. To move a whole database use uncloud db dump.`;
  static override examples = [
    '<%= config.bin %> order export --output orders.csv',
    '<%= config.bin %> order export --user nico --format jsonl',
  ];
  static override flags = {
    ...exportFlags,
    user: username({ summary: 'Only orders of this user' }),
    'as-user': asUser,
  };

  async run() {
    const { flags } = await this.parse(OrderExport);
    const { output, format, user } = flags;
    return this.export(exportOrders, 'orders', { output, format, username: user });
  }
}
