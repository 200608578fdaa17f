import { expect, it } from 'vitest';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { explainBill } from '../../src/lib/ops/bills.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
import { listBills } from '../support/lists.ts';
import { at } from '../support/shop.ts';

describeDatabases('the explanation of a bill', (databases) => {
  it('accounts for every record of every bill to the last cent', async () => {
    const context = await openWithCustomers(await databases.context(), 12);
    await generateBills(context.at('2025-01-05'));
    await generateBills(context.at('2025-02-03'));
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-01-16') });
    await changeOrder(context, { id: 40 }, { endsAt: at('2025-01-02T03:04:05Z') });
    await generateBills(context.at('2025-03-05'));
    const bills = await listBills(context);
    expect(bills.length).toBeGreaterThan(20);
    const kinds = new Set<string>();
    for (const { id } of bills) {
      const { bill, records } = await explainBill(context, { id });
      expect(records.map(({ record }) => record)).toEqual(bill.records);
      for (const { record, before, after, rateValidFrom, rule } of records) {
        expect(after.amount - before.amount).toBe(record.net);
        expect(rateValidFrom).toBe(record.vat.territory === 'CH' ? '2024-01-01' : '2021-01-01');
        kinds.add(rule);
      }
    }
    expect(kinds.size).toBe(4);
  });

  it('is refused for a bill that is not there', async () => {
    const context = await openWithCustomers(await databases.context(), 1);
    await expect(explainBill(context, { number: 1 })).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
  });
});
