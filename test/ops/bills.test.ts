import { type Kysely, sql } from 'kysely';
import { expect, it } from 'vitest';
import { selectBills } from '../../src/lib/core/bill-selection.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { Schema } from '../../src/lib/io/db/schema.ts';
import { listAuditEntries } from '../../src/lib/ops/audit.ts';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { reportBills } from '../../src/lib/ops/bill-report.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { closeBills, discardBills, listBills, showBill } from '../../src/lib/ops/bills.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { listPayments } from '../../src/lib/ops/payments.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { booksOf, OPENING, openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { at } from '../support/shop.ts';

describeDatabases('bills', (databases) => {
  const open = async (customers: number) =>
    (await openWithCustomers(await databases.context(), customers)).at('2025-02-03');

  const draft = async (context: TestContext, username: string) => {
    const run = await generateBills(context, { usernames: [parseUsername(username)], draft: true });
    return run.bills.map(({ id }) => id ?? 0);
  };

  it('are listed by issue instant, drafts after numbered ones, and by what is asked for', async () => {
    const context = await open(3);
    await draft(context, 'u1');
    await generateBills(context);
    await generateBills(context.at('2025-03-05'), { usernames: [parseUsername('u3')] });
    const list = async (filter: Parameters<typeof listBills>[1]) =>
      (await listBills(context, filter)).map(
        ({ number, username, currency }) => `${number} ${username} ${currency}`,
      );
    expect(await list({})).toEqual(['1 u2 CHF', '2 u2 EUR', '3 u3 CHF', 'null u1 CHF', '4 u3 CHF']);
    expect(await list({ username: parseUsername('u3') })).toEqual(['3 u3 CHF', '4 u3 CHF']);
    await expect(list({ username: parseUsername('u33') })).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    expect(await list({ currency: 'EUR' })).toEqual(['2 u2 EUR']);
    expect(await list({ from: at('2025-03-05') })).toEqual(['4 u3 CHF']);
    expect(await list({ to: at('2025-03-05'), currency: 'CHF' })).toEqual([
      '1 u2 CHF',
      '3 u3 CHF',
      'null u1 CHF',
    ]);
    expect((await listBills(context)).map(({ recordCount }) => recordCount)).toEqual([3, 4, 5, 3, 2]);
  });

  it('are not looked for in a range that is turned round, nor payments and commands', async () => {
    const context = await open(1);
    const range = { from: at('2025-02-01'), to: at('2025-01-01') };
    const days = { from: parseDay('2025-02-01'), to: parseDay('2025-01-01') };
    expect(() => selectBills([], range, false)).toThrow('Nothing lies in the range');
    for (const listing of [
      listBills(context, range),
      reportBills(context, new Set(), range),
      listPayments(context, days),
      listAuditEntries(context, { ...range, limit: 1 }),
    ]) {
      await expect(listing).rejects.toMatchObject({ code: 'RANGE_EMPTY', exit: 2 });
    }
  });

  it('are shown by number, drafts by id, with records, VAT groups and both parties', async () => {
    const context = await open(3);
    const [id = 0] = await draft(context, 'u1');
    await generateBills(context);
    expect(await showBill(context, { id })).toMatchObject({ number: null, username: 'u1' });
    const bill = await showBill(context, { number: 3 });
    expect(bill).toMatchObject({
      number: 3,
      username: 'u3',
      net: 4833n,
      seller: { name: 'Example Hosting AG' },
      buyer: { username: 'u3', country: 'CH' },
      vatGroups: [{ treatment: 'domestic', territory: 'CH', rate: 810, base: 4833n, vat: 391n }],
    });
    expect(bill.records.map(({ orderId, net, periodIndex }) => [orderId, periodIndex, net])).toEqual([
      [30, -1, 500n],
      [30, 0, 1000n],
      [30, 1, 1000n],
      [32, 0, 333n],
      [33, 0, 2000n],
    ]);
    await expect(showBill(context, { number: 4 })).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
    await expect(showBill(context, { id: 99 })).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
  });

  it('get their number when the draft is closed', async () => {
    const context = await open(2);
    const [id = 0] = await draft(context, 'u1');
    const { skipped } = await generateBills(context);
    expect(skipped).toMatchObject([{ username: 'u1', refusal: { code: 'DRAFT_PENDING' } }]);
    const [closed] = await closeBills(context, [id]);
    expect(closed).toMatchObject({ id, number: 3, issuedAt: at('2025-02-03'), dueOn: '2025-02-13' });
    expect(await showBill(context, { number: 3 })).toMatchObject({ id, total: 2703n });
    await expect(closeBills(context, [id])).rejects.toMatchObject({ code: 'BILL_ISSUED' });
    await expect(closeBills(context, [99])).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
    expect(await generateBills(context)).toMatchObject({ created: 0, skipped: [] });
    expect(await verifyBills(context)).toMatchObject({ faults: [], pending: 0 });
  });

  it('are due so many days after their issue as the configuration says then', async () => {
    const context = await openWithCustomers(
      await databases.context({ now: '2025-02-03T23:59:59Z', config: { billing: { payment_days: 30 } } }),
      1,
    );
    const { bills } = await generateBills(context, { draft: true });
    expect(bills).toMatchObject([{ number: null, dueOn: null }]);
    const [id = 0] = bills.map((bill) => bill.id ?? 0);
    expect(await closeBills(context, [id])).toMatchObject([{ dueOn: '2025-03-05' }]);
    await changeOrder(context, { id: 10 }, { endsAt: at(OPENING) });
    expect((await generateBills(context.at('2025-02-04'))).bills).toMatchObject([
      { bill: { kind: 'credit_note' }, dueOn: null },
    ]);
    expect((await listBills(context)).map(({ dueOn }) => dueOn)).toEqual(['2025-03-05', null]);
  });

  it('are issued when it is asked for, but not out of order', async () => {
    const context = await open(2);
    const [first = 0] = await draft(context, 'u1');
    const later = context.at('2025-02-05');
    const [second = 0, third = 0] = await draft(later, 'u2');
    const refusal = async (id: number, when?: string) =>
      closeBills(later, [id], { at: when === undefined ? undefined : at(when) }).then(
        () => 'closed',
        ({ code }) => code,
      );
    expect(await refusal(second, '2025-02-04')).toBe('ISSUE_DATE_BEFORE_DRAFT');
    expect(await refusal(second, '2025-02-06')).toBe('ISSUE_DATE_IN_FUTURE');
    expect(await refusal(second, '2025-02-05')).toBe('closed');
    expect(await refusal(first)).toBe('ISSUE_DATE_BEFORE_LAST_BILL');
    expect(await closeBills(later, [first], { at: at('2025-02-05') })).toMatchObject([{ number: 2 }]);
    expect(await closeBills(later, [third])).toMatchObject([{ number: 3 }]);
    expect((await verifyBills(later)).faults).toEqual([]);
  });

  it('are not issued twice at one instant to one user', async () => {
    const context = await open(1);
    await generateBills(context);
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-02-10') });
    const [id = 0] = await draft(context.at('2025-02-04'), 'u1');
    const { kysely } = await context.db();
    await kysely
      .updateTable('bills')
      .set({ issued_at: at('2025-02-02') })
      .where('id', '=', id)
      .execute();
    const closing = closeBills(context.at('2025-02-04'), [id], { at: at('2025-02-03') });
    await expect(closing).rejects.toMatchObject({ code: 'ISSUE_DATE_TAKEN' });
  });

  it.each<[string, Moment, (context: TestContext, ids: number[]) => Promise<unknown>]>([
    ['closed', 'before', closeBills],
    ['closed', 'after', closeBills],
    ['discarded', 'before', discardBills],
    ['discarded', 'after', discardBills],
  ])(
    'are %s wholly or not at all when the database goes away %s any statement',
    async (done, moment, act) => {
      const world = async () => {
        const context = await open(1);
        const [id = 0] = await draft(context, 'u1');
        return { context, id };
      };
      const undisturbed = await world();
      await act(undisturbed.context, [undisturbed.id]);
      const books = await booksOf(undisturbed.context);
      let statement = 0;
      for (let broke = true; broke; ) {
        statement += 1;
        const { context, id } = await world();
        const doomed = await databases.context({ url: context.url, now: '2025-02-03' });
        broke = await breakDatabase(
          (_, count) => count === statement,
          moment,
          () => act(doomed, [id]).catch((error: unknown) => expect(error).toMatchObject({ exit: 75 })),
        );
        await doomed.db().then(
          (database) => database.close(),
          () => {},
        );
        expect((await verifyBills(context)).faults, `statement ${statement}`).toEqual([]);
        const again = await act(context, [id]).then(
          () => 'done',
          ({ code }) => code,
        );
        const already = done === 'closed' ? 'BILL_ISSUED' : 'UNKNOWN_BILL';
        expect(['done', already], `statement ${statement}`).toContain(again);
        expect(await booksOf(context), `statement ${statement}`).toEqual(books);
        await (await context.db()).close();
      }
      expect(statement).toBeGreaterThan(5);
    },
    120_000,
  );

  it('are issued many at a time, by issue instant, all of them or none', async () => {
    const context = await open(4);
    const later = context.at('2025-02-05');
    await generateBills(context, { usernames: [parseUsername('u4')] });
    const [two = 0, three = 0] = await draft(context, 'u2');
    const [one = 0] = await draft(later, 'u1');
    const [four = 0] = await draft(later, 'u3');
    const numbersOf = async (bills: ReturnType<typeof closeBills>) =>
      (await bills).map(({ id, number, dueOn }) => `${id} ${number} ${dueOn}`);
    const plan = [`${two} null 2025-02-13`, `${three} null 2025-02-13`, `${one} null 2025-02-15`];
    expect(await numbersOf(closeBills(later, [one, three, two, one], { dryRun: true }))).toEqual(plan);
    const before = await booksOf(context);
    for (const [ids, code] of [
      [[one, 99], 'UNKNOWN_BILL'],
      [[one, 1], 'BILL_ISSUED'],
    ] as const) {
      await expect(closeBills(later, ids)).rejects.toMatchObject({ code });
      await expect(discardBills(later, ids)).rejects.toMatchObject({ code });
    }
    await expect(closeBills(later, {}, { at: at('2025-02-04') })).rejects.toMatchObject({
      code: 'ISSUE_DATE_BEFORE_DRAFT',
    });
    await expect(closeBills(context, {})).rejects.toMatchObject({ code: 'ISSUE_DATE_IN_FUTURE' });
    const nobody = { username: parseUsername('nobody') };
    await expect(closeBills(later, nobody)).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    expect(await booksOf(context)).toEqual(before);
    const issued = [`${two} 3 2025-02-13`, `${three} 4 2025-02-13`];
    expect(await numbersOf(closeBills(later, { username: parseUsername('u2') }))).toEqual(issued);
    expect((await listBills(later, { drafts: true })).map(({ id }) => id)).toEqual([one, four]);
    expect(await numbersOf(closeBills(later, { currency: 'CHF' }))).toEqual([
      `${one} 5 2025-02-15`,
      `${four} 6 2025-02-15`,
    ]);
    expect(await closeBills(later, {})).toEqual([]);
    expect((await verifyBills(later)).faults).toEqual([]);
  });

  it('are discarded many at a time, and no issued one with them', async () => {
    const context = await open(3);
    await generateBills(context, { usernames: [parseUsername('u1')] });
    const before = await booksOf(context);
    await generateBills(context, { draft: true });
    expect((await discardBills(context, {}, { dryRun: true })).map(({ username }) => username)).toEqual([
      'u2',
      'u2',
      'u3',
    ]);
    expect(await discardBills(context, { currency: 'EUR' })).toHaveLength(1);
    expect(await discardBills(context, {})).toHaveLength(2);
    expect(await discardBills(context, {})).toEqual([]);
    expect(await booksOf(context)).toEqual(before);
    expect(await generateBills(context)).toMatchObject({ created: 3, skipped: [] });
  });

  it('are as if they had never been made once a draft is discarded', async () => {
    const context = await open(1);
    const before = await booksOf(context);
    const [id = 0] = await draft(context, 'u1');
    await discardBills(context, [id]);
    expect(await booksOf(context)).toEqual(before);
    await expect(discardBills(context, [id])).rejects.toMatchObject({ code: 'UNKNOWN_BILL' });
    const { bills } = await generateBills(context);
    expect(bills.map(({ number }) => number)).toEqual([1]);
    const issued = discardBills(context, [bills[0]?.id ?? 0]);
    await expect(issued).rejects.toMatchObject({ code: 'BILL_ISSUED' });
  });

  it('cannot be changed by anybody once they have their number', async () => {
    const context = await open(1);
    await generateBills(context);
    const { kysely } = await context.db();
    const books = await booksOf(context);
    for (const statement of [
      'update bills set total = total + 1, net = net + 1',
      "update bills set buyer = '{}'",
      'update bills set number = null',
      'update bills set due_on = null',
      'delete from bills',
      'update bill_records set net = net + 1',
      'delete from bill_records',
      'update bill_vats set vat = vat + 1',
      'delete from bill_vats',
      `insert into bill_vats (bill_id, treatment, territory, rate, base, vat)
       select id, 'outside', 'US', 0, 0, 0 from bills`,
      `insert into bill_records (bill_id, order_id, kind, period_index, seq, period_start, period_end, net,
         vat_treatment, vat_territory, vat_rate, vat_reason, description, unit_price, quantity)
       select id, 10, 'recurring', 9, 0, 0, 1, 1, 'outside', 'US', 0, '', '', 1, 1 from bills`,
    ]) {
      await expect(run(kysely, statement), statement).rejects.toThrow(/an issued bill does not change/);
    }
    expect(await booksOf(context)).toEqual(books);
  });

  it('cannot charge a period of an order twice, whoever writes them', async () => {
    const context = await open(1);
    const [id = 0] = await draft(context, 'u1');
    const { kysely } = await context.db();
    const statement = `insert into bill_records (bill_id, order_id, kind, period_index, seq, period_start,
        period_end, net, vat_treatment, vat_territory, vat_rate, vat_reason, description, unit_price, quantity)
      select ${id}, order_id, kind, period_index, seq, period_start, period_end, net, vat_treatment,
        vat_territory, vat_rate, vat_reason, description, unit_price, quantity from bill_records`;
    await expect(run(kysely, statement)).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });
});

function run(kysely: Kysely<Schema>, statement: string): Promise<unknown> {
  return sql.raw(statement).execute(kysely);
}
