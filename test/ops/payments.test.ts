import { expect, it } from 'vitest';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { showBill } from '../../src/lib/ops/bills.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { type GivenPayment, recordPayment } from '../../src/lib/ops/payments.ts';
import { OPENING, openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listBills, listPayments } from '../support/lists.ts';
import { at } from '../support/shop.ts';

const paid = (amount: string, reference: string, day = '2025-02-10'): GivenPayment => ({
  amount: parsePrice(amount, { negative: true }),
  paidOn: parseDay(day),
  reference: parseReference(reference),
});

describeDatabases('payments', (databases) => {
  /** Bills 1 (u1, 27.03 CHF), 2 (u2, CHF) and 3 (u2, 6.49 EUR) of 2025-02-03, due on 2025-02-13. */
  const open = async () => {
    const context = (await openWithCustomers(await databases.context(), 2)).at('2025-02-03');
    await generateBills(context);
    return context.at('2025-02-11');
  };
  const record = (context: TestContext, number: number, given: GivenPayment) =>
    recordPayment(context, { number }, given);
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      ({ code }) => code,
    );
  const balances = async (context: TestContext, filter: Parameters<typeof listBills>[1] = {}) =>
    (await listBills(context, filter)).map(({ number, total, paid: sum }) => [number, total, sum]);

  it('pay a bill in parts, in full, and too much', async () => {
    const context = await open();
    expect(await record(context, 1, paid('20.00', 'a'))).toMatchObject({
      created: true,
      payment: { number: 1, username: 'u1', currency: 'CHF', amount: 2000n, paidOn: '2025-02-10' },
      balance: { paid: 2000n, open: 703n },
    });
    expect(await record(context, 1, paid('7.03', 'b'))).toMatchObject({ balance: { paid: 2703n, open: 0n } });
    expect(await record(context, 1, paid('5', 'c'))).toMatchObject({ balance: { paid: 3203n, open: -500n } });
    expect(await record(context, 1, paid('-5', 'd'))).toMatchObject({ balance: { open: 0n } });
    const { payments } = await showBill(context, { number: 1 });
    expect(payments.map(({ reference, amount }) => [reference, amount])).toEqual([
      ['a', 2000n],
      ['b', 703n],
      ['c', 500n],
      ['d', -500n],
    ]);
  });

  it('are recorded once for each reference of a bill', async () => {
    const context = await open();
    const first = await record(context, 1, paid('20', 'a'));
    expect(await record(context, 1, paid('20', 'a'))).toEqual({ ...first, created: false });
    expect(await refusal(record(context, 1, paid('21', 'a')))).toBe('PAYMENT_DIFFERS');
    expect(await refusal(record(context, 1, paid('20', 'a', '2025-02-09')))).toBe('PAYMENT_DIFFERS');
    expect(await record(context, 2, paid('20', 'a'))).toMatchObject({ created: true });
  });

  it('plan without recording', async () => {
    const context = await open();
    const plan = await recordPayment(context, { number: 1 }, paid('20', 'a'), { dryRun: true });
    expect(plan).toMatchObject({ created: true, payment: { id: null }, balance: { open: 703n } });
    expect(await listPayments(context)).toEqual([]);
  });

  it('are refused where they make no sense', async () => {
    const context = await open();
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-02-20') });
    const { bills } = await generateBills(context, { usernames: [parseUsername('u1')], draft: true });
    const [draft = 0] = bills.map(({ id }) => id ?? 0);
    expect(await refusal(recordPayment(context, { id: draft }, paid('1', 'a')))).toBe('BILL_NOT_ISSUED');
    expect(await refusal(record(context, 99, paid('1', 'a')))).toBe('UNKNOWN_BILL');
    expect(await refusal(record(context, 1, paid('0', 'a')))).toBe('PAYMENT_NOTHING');
    expect(await refusal(record(context, 1, paid('1.005', 'a')))).toBe('INVALID_AMOUNT');
    expect(await refusal(record(context, 1, paid('-1', 'a')))).toBe('PAYMENT_WRONG_WAY');
    expect(await refusal(record(context, 1, paid('1', 'a', '2025-02-13')))).toBe('PAYMENT_IN_FUTURE');
    expect(await record(context, 1, paid('1', 'a', '2025-02-12'))).toMatchObject({ created: true });
  });

  it('of a credit note are given back', async () => {
    const context = await open();
    await changeOrder(context, { id: 10 }, { endsAt: at(OPENING) });
    const { bills } = await generateBills(context, { usernames: [parseUsername('u1')] });
    expect(bills).toMatchObject([{ number: 4, bill: { kind: 'credit_note', total: -2162n } }]);
    expect(await balances(context, { username: parseUsername('u1'), unpaid: true })).toEqual([
      [1, 2703n, 0n],
      [4, -2162n, 0n],
    ]);
    expect(await refusal(record(context, 4, paid('1', 'a')))).toBe('PAYMENT_WRONG_WAY');
    expect(await record(context, 4, paid('-21.62', 'a'))).toMatchObject({
      balance: { paid: -2162n, open: 0n },
    });
    expect(await record(context, 4, paid('21.62', 'b'))).toMatchObject({
      balance: { paid: 0n, open: -2162n },
    });
  });

  it('tell which bills are unpaid and overdue', async () => {
    const context = await open();
    await record(context, 1, paid('27.03', 'a'));
    await record(context, 2, paid('1', 'a'));
    const all = await balances(context);
    expect(await balances(context, { unpaid: true })).toEqual([all[1], all[2]]);
    expect(await balances(context, { overdue: true })).toEqual([]);
    expect(await balances(context.at('2025-02-13T23:59:59Z'), { overdue: true })).toEqual([]);
    const late = context.at('2025-02-14');
    expect(await balances(late, { overdue: true })).toEqual([all[1], all[2]]);
    await record(late, 3, paid('7', 'a'));
    expect(await balances(late, { overdue: true })).toEqual([all[1]]);
    expect(await balances(late, { unpaid: true })).toEqual([all[1], [3, 649n, 700n]]);
  });

  it('are listed by day, bill and user', async () => {
    const context = await open();
    await record(context, 2, paid('1', 'b', '2025-02-09'));
    await record(context, 1, paid('2', 'a', '2025-02-10'));
    await record(context, 3, paid('3', 'c', '2025-02-08'));
    const list = async (filter: Parameters<typeof listPayments>[1] = {}) =>
      (await listPayments(context, filter)).map(({ number, amount }) => `${number}: ${amount}`);
    expect(await list()).toEqual(['3: 300', '2: 100', '1: 200']);
    expect(await list({ bill: { number: 2 } })).toEqual(['2: 100']);
    expect(await list({ username: parseUsername('u2') })).toEqual(['3: 300', '2: 100']);
    expect(await list({ from: parseDay('2025-02-09'), to: parseDay('2025-02-10') })).toEqual(['2: 100']);
    await expect(list({ bill: { number: 99 } })).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
    await expect(list({ username: parseUsername('u22') })).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
  });

  it('cannot be changed by anybody', async () => {
    const context = await open();
    await record(context, 1, paid('2', 'a'));
    const { kysely } = await context.db();
    const changes = [
      kysely.updateTable('payments').set({ amount: 1 }).execute(),
      kysely.deleteFrom('payments').execute(),
    ];
    expect(await Promise.all(changes.map(refusal))).toEqual(['CONSTRAINT_VIOLATED', 'CONSTRAINT_VIOLATED']);
  });
});
