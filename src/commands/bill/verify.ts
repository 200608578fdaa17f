import { BaseCommand } from '../../lib/cli/command.ts';
import { renderTable } from '../../lib/cli/table.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { verifyBills } from '../../lib/ops/bill-history.ts';

export default class BillVerify extends BaseCommand {
  static override summary = 'Recompute all bills and compare';
  static override description =
    `Recomputes every record, VAT group and total of every bill, and the numbering, from the orders.
Ends with 1 when anything differs. What is due and not billed yet is counted, and is no fault.`;
  static override examples = [
    '<%= config.bin %> bill verify',
    `<%= config.bin %> bill verify --json | jq -r '.faults[] | .message'`,
  ];

  async run() {
    await this.parse(BillVerify);
    const { checked, pending, faults } = await verifyBills(await this.context());
    if (faults.length > 0) {
      const columns = [
        { title: 'code' },
        { title: 'bill' },
        { title: 'order' },
        { title: 'message', below: true },
      ];
      const rows = faults.map(({ code, bill, order, message }) => [code, bill, order, message]);
      this.log(renderTable(columns, rows));
      this.exitWith(EXIT.REFUSED);
    }
    const { bills, records, orders } = checked;
    const found = faults.length === 0 ? 'No faults' : `Faults: ${faults.length}`;
    this.say(
      `${found}. Bills: ${bills}; records: ${records}; orders: ${orders}; due and not billed yet: ${pending}.`,
    );
    return { checked, pending, faults };
  }
}
