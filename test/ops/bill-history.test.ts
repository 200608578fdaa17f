import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { expect, it } from 'vitest';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { at } from '../support/shop.ts';

describeDatabases('the history of bills', (databases) => {
  const billed = async () => {
    const context = await openWithCustomers(await databases.context(), 6);
    await generateBills(context.at('2025-02-03'));
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-02-10') });
    await generateBills(context.at('2025-03-05'));
    return context.at('2025-03-05');
  };

  /** Changes rows as the owner of the database can: past the triggers. */
  async function tamper(context: TestContext, statement: string): Promise<void> {
    if (databases.backend === 'postgresql') {
      const client = new pg.Client(context.url);
      await client.connect();
      await client.query(`set session_replication_role = replica; ${statement}`);
      await client.end();
      return;
    }
    const handle = new Sqlite(context.url.replace('sqlite:', ''));
    handle.pragma('foreign_keys = off');
    handle.pragma('ignore_check_constraints = on');
    const triggers = handle.prepare("select name from sqlite_master where type = 'trigger'").all();
    for (const { name } of triggers as { name: string }[]) handle.exec(`drop trigger ${name}`);
    handle.exec(statement);
    handle.close();
  }

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
    ['RECORD_NET', 'update bill_records set net = net + 1 where order_id = 40 and period_index = 1'],
    ['CREDIT_OUTSIDE', 'update bill_records set corrects_id = 1 where order_id = 10 and net < 0'],
    ['ORDER_CHANGED', 'update orders set recurring_price = 1 where id = 40'],
    ['ORDER_FAULTY', "update orders set currency = 'XXX' where id = 40"],
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
