import { billFields, paidBillDocument, recordTable, vatReasons, vatTable } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { billArg } from '../../lib/cli/flags.ts';
import { paymentTable } from '../../lib/cli/payments.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { showBill } from '../../lib/ops/bills.ts';

export default class BillShow extends BaseCommand {
  static override summary = 'Show one bill with its records and payments';
  static override description =
    `Prints a bill with the seller and the buyer as they were when it was made, and why the VAT is as it is.
A draft has no number: name it by its id, as in id:7.`;
  static override examples = [
    '<%= config.bin %> bill show 12',
    '<%= config.bin %> bill show id:7',
    '<%= config.bin %> bill show 12 --json | jq .bill.vat_breakdown',
  ];
  static override args = { number: billArg };

  async run() {
    const { args } = await this.parse(BillShow);
    const bill = await showBill(await this.context(), args.number);
    const tables = [recordTable(bill), vatTable(bill)];
    const parts = [renderFields(billFields(bill)), ...tables, vatReasons(bill.records)];
    if (bill.payments.length > 0) parts.push(paymentTable(bill.payments));
    this.log(parts.join('\n\n'));
    return { bill: paidBillDocument(bill) };
  }
}
