import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { selectBills } from '../../src/lib/core/bill-selection.ts';
import { parseCountry } from '../../src/lib/core/country.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { Schema } from '../../src/lib/io/db/schema.ts';
import { listAuditEntries } from '../../src/lib/ops/audit.ts';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { reportBills } from '../../src/lib/ops/bill-report.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { showBill } from '../../src/lib/ops/bills.ts';
import { closeBills, discardBills } from '../../src/lib/ops/drafts.ts';
import { cancelOrder, changeOrder, replaceOrder } from '../../src/lib/ops/orders.ts';
import { setProvider } from '../../src/lib/ops/provider.ts';
import { updateUser } from '../../src/lib/ops/users.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { booksOf, OPENING, openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listBills, listPayments } from '../support/lists.ts';
import { at } from '../support/shop.ts';
import { tamper } from '../support/tamper.ts';

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

  it('are not issued at one instant where a user has two drafts of a currency', async () => {
    const context = await open(2);
    const [first = 0, second = 0] = await draft(context, 'u2');
    const { kysely } = await context.db();
    await kysely
      .updateTable('bills')
      .set({ issued_at: at('2025-02-02'), currency: 'CHF' })
      .where('currency', '=', 'EUR')
      .execute();
    const closing = closeBills(context.at('2025-02-04'), [first, second], { at: at('2025-02-04') });
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

  describe('as drafts that are closed', () => {
    const NOTHING = { user: {}, address: {} };
    const U1 = parseUsername('u1');
    /** Drafts of u1 in CHF, u2 in CHF and EUR, u3 in CHF and u4, a German, in CHF and EUR. */
    const drafted = async () => {
      const context = await open(4);
      await generateBills(context, { draft: true });
      return context.at('2025-02-04');
    };
    const outdated = async (context: TestContext) => {
      const planned = await closeBills(context, {}, { dryRun: true });
      const closed = await closeBills(context, {});
      const names = (bills: typeof closed) =>
        bills
          .filter((bill) => bill.outdated)
          .map(({ username, currency }) => `${username} ${currency}`)
          .sort();
      expect(names(closed)).toEqual(names(planned));
      expect((await verifyBills(context)).faults).toEqual([]);
      return names(closed);
    };
    const replace = (context: TestContext, id: number, price: string, when: string) =>
      replaceOrder(
        context,
        { id },
        { recurringPrice: parsePrice(price) },
        {
          at: at(when),
          policy: 'prorate',
          dryRun: false,
        },
      );
    const statement = (text: string) => async (context: TestContext) =>
      run((await context.db()).kysely, text);

    it.each<[string, string[], (context: TestContext) => Promise<unknown>]>([
      ['nothing', [], async () => {}],
      ['a later cancellation', [], (c) => cancelOrder(c, { id: 10 }, { at: c.now, dryRun: false })],
      ['an end beyond what is charged', [], (c) => changeOrder(c, { id: 10 }, { endsAt: at('2026-01-01') })],
      [
        'an end that was taken back',
        [],
        async (c) => {
          await changeOrder(c, { id: 10 }, { endsAt: at('2025-02-10') });
          await changeOrder(c, { id: 10 }, { endsAt: null });
        },
      ],
      [
        'an end within what is charged',
        ['u1 CHF'],
        (c) => changeOrder(c, { id: 10 }, { endsAt: at('2025-02-10') }),
      ],
      ['an end in one currency', ['u2 EUR'], (c) => changeOrder(c, { id: 21 }, { endsAt: at('2025-01-10') })],
      [
        'an end that the draft had settled',
        ['u3 CHF'],
        (c) => changeOrder(c, { id: 32 }, { endsAt: at('2025-01-05') }),
      ],
      ['an upgrade', ['u1 CHF'], (c) => replace(c, 10, '20', '2025-02-04')],
      ['a downgrade', [], (c) => replace(c, 10, '5', '2025-02-04')],
      ['no bills for an order', ['u1 CHF'], (c) => changeOrder(c, { id: 10 }, { notForBilling: true })],
      [
        'an order of before',
        ['u1 CHF'],
        statement(`insert into orders (user_id, currency, recurring_price,
        recurring_period_seconds, starts_at, created_at)
        values (1, 'CHF', 10000, 86400, ${at('2025-02-01')}, 0)`),
      ],
      [
        'an order of later',
        [],
        statement(`insert into orders (user_id, currency, recurring_price,
        recurring_period_seconds, starts_at, created_at)
        values (1, 'CHF', 10000, 86400, ${at('2025-02-04')}, 0)`),
      ],
      [
        'another rate',
        ['u4 CHF', 'u4 EUR'],
        statement("update vat_rates set rate = 1600 where territory = 'DE'"),
      ],
      [
        'a rate that changes within a period',
        ['u1 CHF', 'u2 CHF', 'u3 CHF'],
        async (c) => {
          await statement("update vat_rates set valid_to = '2025-02-20' where territory = 'CH'")(c);
          await statement(`insert into vat_rates (territory, rate_type, valid_from, rate)
          values ('CH', 'standard', '2025-02-20', 850)`)(c);
        },
      ],
      [
        'a rate that is missing',
        ['u4 CHF', 'u4 EUR'],
        statement("delete from vat_rates where territory = 'DE'"),
      ],
      [
        'another country',
        ['u1 CHF'],
        (c) => updateUser(c, U1, { ...NOTHING, address: { country: parseCountry('DE') } }),
      ],
      [
        'a VAT territory',
        ['u4 CHF', 'u4 EUR'],
        async (c) => {
          await statement(`insert into vat_rates (territory, rate_type, valid_from, rate)
          values ('DE-78266', 'standard', '2020-01-01', 0)`)(c);
          await statement("update billing_addresses set vat_territory = 'DE-78266' where country = 'DE'")(c);
        },
      ],
      [
        'an address',
        ['u1 CHF'],
        (c) => updateUser(c, U1, { ...NOTHING, address: { city: parseLine('city', 'Zürich "8"') } }),
      ],
      ['no address any more', ['u1 CHF'], statement('delete from billing_addresses where user_id = 1')],
      [
        'a country that is none',
        ['u1 CHF'],
        (c) => tamper(c, "update billing_addresses set country = 'QQ' where user_id = 1"),
      ],
      [
        'another seller',
        ['u1 CHF', 'u2 CHF', 'u2 EUR', 'u3 CHF', 'u4 CHF', 'u4 EUR'],
        (c) => setProvider(c, { city: parseLine('city', 'Glarus') }),
      ],
      ['other registrations of the seller', ['u4 CHF', 'u4 EUR'], (c) => setProvider(c, { oss: false })],
      [
        'fields in another order',
        [],
        (c) =>
          tamper(
            c,
            `update bills set buyer =
        replace(replace(buyer, ',"language":"en"', ''), '{', '{"language":"en",') where number is null`,
          ),
      ],
    ])('tells those that would come out otherwise after: %s', async (_, expected, change) => {
      const context = await drafted();
      await change(context);
      expect(await outdated(context)).toEqual(expected);
    });

    it('tells none that was made anew', async () => {
      const context = await drafted();
      await changeOrder(context, { id: 10 }, { endsAt: at('2025-02-10') });
      const plan = await closeBills(context, {}, { dryRun: true });
      await discardBills(
        context,
        plan.filter((bill) => bill.outdated).map(({ id }) => id),
      );
      await generateBills(context, { draft: true });
      expect(await outdated(context)).toEqual([]);
    });

    it('tells those that correct an earlier bill as little as others', async () => {
      const context = await open(4);
      await generateBills(context);
      const later = context.at('2025-02-04');
      await changeOrder(later, { id: 10 }, { endsAt: at('2025-01-20') });
      await statement("update vat_rates set rate = 800 where territory = 'CH'")(later);
      await generateBills(later, { draft: true });
      expect(await outdated(later)).toEqual([]);
    });
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
