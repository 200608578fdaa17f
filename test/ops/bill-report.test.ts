import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REPORT_KEYS, type ReportKey } from '../../src/lib/core/bill-report.ts';
import { formatInstant, type Instant } from '../../src/lib/core/instant.ts';
import { reportBills } from '../../src/lib/ops/bill-report.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { showBill } from '../../src/lib/ops/bills.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { OPENING, openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listBills } from '../support/lists.ts';
import { at } from '../support/shop.ts';

/** All subsets of the keys that are not empty. */
const KEY_SETS = Array.from({ length: 2 ** REPORT_KEYS.length - 1 }, (_, bits) =>
  REPORT_KEYS.filter((_, index) => ((bits + 1) >> index) & 1),
);

describeDatabases('a report of bills', (databases) => {
  /** Six months of bills for twelve customers whose orders end here and there, the last ones drafts. */
  const openBooks = async (ends: readonly number[]) => {
    let context = await openWithCustomers(await databases.context(), 12);
    const start = at(OPENING);
    const { kysely } = await context.db();
    const product = { id: 1, name: 'VM', description: '', created_at: start };
    await kysely.insertInto('products').values(product).execute();
    for (const user_id of [1, 4, 5]) {
      const terms = { currency: 'CHF', recurring_price: 110_000, recurring_period_seconds: 864_000 };
      const order = {
        id: 1000 + user_id,
        user_id,
        product_id: 1,
        starts_at: start,
        created_at: start,
        ...terms,
      };
      await kysely.insertInto('orders').values(order).execute();
    }
    for (const [run, day] of [0, 20, 33, 61, 100, 130, 150].entries()) {
      context = context.at(formatInstant((start + day * 86_400) as Instant));
      const customer = ends[run];
      if (customer !== undefined) await changeOrder(context, { id: 10 * customer }, { endsAt: context.now });
      await generateBills(context, { draft: run === 6 });
    }
    return context;
  };

  /** What the stored bills say, added up one by one. */
  const expectedTotals = async (context: TestContext) => {
    const totals = new Map<string, { net: bigint; vat: bigint; total: bigint; bills: number }>();
    for (const { number, currency, net, vat, total } of await listBills(context)) {
      if (number === null) continue;
      const sum = totals.get(currency) ?? { net: 0n, vat: 0n, total: 0n, bills: 0 };
      const added = {
        net: sum.net + net,
        vat: sum.vat + vat,
        total: sum.total + total,
        bills: sum.bills + 1,
      };
      totals.set(currency, added);
    }
    return totals;
  };

  it('adds up to the totals of the bills whatever it tells apart', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
        async (ends) => {
          const context = await openBooks([...new Set(ends)]);
          const expected = await expectedTotals(context);
          expect(expected.size).toBe(2);
          for (const keys of KEY_SETS) {
            const { rows, totals } = await reportBills(context, new Set<ReportKey>(keys));
            expect(new Map(totals)).toEqual(expected);
            for (const [currency, { net, vat }] of expected) {
              const own = rows.filter(({ group }) => group.currency === currency);
              const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n);
              expect(sumOf(own.map((row) => row.net))).toBe(net);
              expect(sumOf(own.flatMap(({ months }) => [...months.values()].map((month) => month.net)))).toBe(
                net,
              );
              if (keys.includes('product')) expect(own.every((row) => row.vat === null)).toBe(true);
              else expect(sumOf(own.map((row) => row.vat ?? 0n))).toBe(vat);
            }
          }
        },
      ),
      { numRuns: 3 },
    );
  });

  it('tells apart what it is asked for, and leaves out other times and drafts', async () => {
    const context = await openBooks([]);
    const report = (keys: ReportKey[], range = {}) => reportBills(context, new Set(keys), range);
    const bills = (await listBills(context)).filter(({ number }) => number !== null);
    const groups = new Map<string, bigint>();
    for (const { id } of bills) {
      const { currency, vatGroups, issuedAt } = await showBill(context, { id });
      for (const { treatment, territory, rate, vat } of vatGroups) {
        const key = `${currency} ${formatInstant(issuedAt).slice(0, 7)} ${treatment} ${territory} ${rate}`;
        groups.set(key, (groups.get(key) ?? 0n) + vat);
      }
    }
    const { rows } = await report(['vat', 'month']);
    const found = rows.map(({ group, vat }) => {
      const { currency, month, treatment, territory, rate } = group;
      return [`${currency} ${month} ${treatment} ${territory} ${rate}`, vat];
    });
    expect(found).toEqual([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
    const products = await report(['product']);
    expect(products.rows.map(({ group }) => [group.currency, group.product])).toEqual([
      ['CHF', 'VM'],
      ['CHF', null],
      ['EUR', null],
    ]);
    const [day, next] = [at('2025-01-21'), at('2025-02-03')];
    const within = await report(['month'], { from: day, to: next });
    expect(within.rows.map(({ group }) => group.month)).toEqual(['2025-01', '2025-01']);
    const issued = bills.filter(({ issuedAt }) => issuedAt >= day && issuedAt < next);
    expect([...within.totals.values()].reduce((sum, { bills: count }) => sum + count, 0)).toBe(issued.length);
    expect(await report(['vat'], { to: at(OPENING) })).toEqual({ rows: [], totals: new Map() });
  });
});
