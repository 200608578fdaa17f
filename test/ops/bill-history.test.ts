import { expect, it } from 'vitest';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
import { at } from '../support/shop.ts';
import { tamper } from '../support/tamper.ts';

describeDatabases('the history of bills', (databases) => {
  const billed = async () => {
    const context = await openWithCustomers(await databases.context(), 6);
    await generateBills(context.at('2025-02-03'));
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-02-10') });
    await generateBills(context.at('2025-03-05'));
    return context.at('2025-03-05');
  };

  it('has no faults when the program alone wrote it, and counts what is due', async () => {
    const context = await billed();
    expect(await verifyBills(context)).toEqual({
      checked: { bills: 18, records: 57, orders: 13 },
      pending: 0,
      faults: [],
    });
    expect(await verifyBills(context.at('2025-03-20'))).toMatchObject({ pending: 5, faults: [] });
  });

  it.each([
    ['BILL_NET', 'update bills set net = net + 1, total = total + 1 where number = 4'],
    [
      'BILL_VAT',
      'update bill_vats set vat = vat + 1 where bill_id = (select id from bills where number = 4)',
    ],
    ['BILL_DUE', 'update bills set due_on = null where number = 4'],
    ['RECORD_NET', 'update bill_records set net = net + 1 where order_id = 40 and period_index = 1'],
    ['CREDIT_OUTSIDE', 'update bill_records set corrects_id = 1 where order_id = 10 and net < 0'],
    ['ORDER_CHANGED', 'update orders set recurring_price = 1 where id = 40'],
    ['ORDER_FAULTY', "update orders set currency = 'QQQ' where id = 40"],
    ['RECORD_WITHOUT_ORDER', 'update orders set user_id = 1 where id = 40'],
    ['CLOSED_NOT_SETTLED', 'update orders set closed = true where id = 40'],
    ['NUMBER_GAP', 'update bills set number = 100 where number = 4'],
    ['NUMBER_GAP', 'update bill_counters set last_number = 17'],
    ['NUMBER_ORDER', 'update bills set issued_at = issued_at + 86400 * 90 where number = 4'],
  ])('shows a %s after: %s', async (code, statement) => {
    const context = (await billed()).at(code === 'CLOSED_NOT_SETTLED' ? '2025-06-01' : '2025-03-05');
    await tamper(context, statement);
    const { faults } = await verifyBills(context);
    expect(faults.map((fault) => fault.code)).toContain(code);
  });
});
