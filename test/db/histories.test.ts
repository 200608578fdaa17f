import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant, instant, parseDay, startOfDay } from '../../src/lib/core/instant.ts';
import { formatPrice } from '../../src/lib/core/money.ts';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { examineData } from '../../src/lib/ops/data-doctor.ts';
import { exportOrders } from '../../src/lib/ops/order-export.ts';
import { importOrders } from '../../src/lib/ops/order-import.ts';
import { DatabaseWorld } from '../support/database-world.ts';
import { describeDatabases } from '../support/databases.ts';
import { type GoldenAction, type GoldenCustomer, type GoldenRate, take } from '../support/golden.ts';
import { MemoryWorld, vatRulesOf } from '../support/memory-world.ts';

/** Set DATABASE_HISTORIES for a long night. */
const HISTORIES = Number(process.env.DATABASE_HISTORIES ?? 25);

const HOUR = 3_600;
const DAY = 24 * HOUR;
const START = startOfDay(parseDay('2025-01-01'));
const SELLER = { country: 'CH', oss: true };
const RATES: readonly GoldenRate[] = [
  { territory: 'CH', from: '2024-01-01', to: '2025-01-21', rate: '8.1' },
  { territory: 'CH', from: '2025-01-21', to: null, rate: '8.5' },
  { territory: 'DE', from: '2021-01-01', to: null, rate: '19' },
  // There is no rate for Austria before 2025-01-11: until then its customers are skipped.
  { territory: 'AT', from: '2025-01-11', to: null, rate: '20' },
];
const CUSTOMERS = ['anna', 'ben', 'cleo'];

const customer = fc.record<GoldenCustomer>(
  {
    country: fc.constantFrom('CH', 'DE', 'AT', 'US'),
    postcode: fc.constantFrom('8000', '78266'),
    vat_id_valid: fc.boolean(),
  },
  { requiredKeys: ['country'] },
);
const customerName = fc.constantFrom(...CUSTOMERS);
// A price below the smallest unit of its currency is refused.
const price = fc.oneof(fc.constant(0n), fc.bigInt(10_000n, 2_000_000n)).map(formatPrice);
const quantity = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 500 }));
const soon = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 12 * DAY }));

const order = fc.record({
  customer: customerName,
  currency: fc.constantFrom('CHF', 'EUR', 'JPY'),
  startsAfter: fc.integer({ min: 0, max: 9 * DAY }),
  lasts: fc.option(fc.integer({ min: 0, max: 60 * DAY })),
  one_time_price: fc.oneof(fc.constant('0'), price),
  recurring_price: price,
  recurring_period_seconds: fc.constantFrom(7 * HOUR + 13, DAY, 7 * DAY, 30 * DAY),
  quantity,
  commitment_periods: fc.integer({ min: 1, max: 3 }),
  charge: fc.constantFrom('advance' as const, 'arrears' as const),
  not_for_billing: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
});

const pick = fc.nat({ max: 9 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('run' as const), later: soon, draft: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('add_order' as const), order }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('set_end' as const),
      pick,
      after: fc.option(fc.integer({ min: 0, max: 40 * DAY })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('cancel' as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('replace' as const),
      pick,
      recurring_price: price,
      quantity,
      mode: fc.constantFrom('prorate' as const, 'full' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('set_customer' as const),
      customer: customerName,
      value: customer,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ op: 'close_drafts' as const }, { op: 'discard_drafts' as const }),
  },
);
const history = fc.record({
  customers: fc.tuple(customer, customer, customer),
  orders: fc.array(order, { minLength: 1, maxLength: 4 }),
  steps: fc.array(step, { maxLength: 16 }),
});
type History = typeof history extends fc.Arbitrary<infer Value> ? Value : never;

/** What the database refuses, and a world in memory does not look at. */
const STORED_ONLY = ['ORDER_REPLACED', 'ORDER_UNCHANGED', 'ORDERS_OVERLAP'];

describeDatabases('histories', (databases) => {
  test('any history makes the same bills in the database as in memory, and nothing to find fault with', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (given) => {
        const stored = await DatabaseWorld.open(databases, SELLER, RATES);
        const model = new MemoryWorld(vatRulesOf(SELLER, RATES));
        const actions = actionsOf(given);
        for (let next = actions.next(true); next.done !== true; ) {
          const action = next.value;
          const outcome = await take(action, stored);
          const refusal = (outcome as { error?: string }).error;
          next = actions.next(refusal === undefined);
          if (refusal !== undefined && STORED_ONLY.includes(refusal)) continue;
          expect(outcome, JSON.stringify(action)).toEqual(await take(action, model));
        }
        const { faults, pending } = await verifyBills(stored.context);
        expect(faults).toEqual([]);
        expect(pending).toBe(model.verify(stored.context.now).pending);
        const findings = await examineData(stored.context);
        expect(findings.filter(({ level }) => level === 'error')).toEqual([]);

        const copy = await DatabaseWorld.open(databases, SELLER, RATES);
        for (const name of CUSTOMERS) await copy.setCustomer(name, { country: 'CH' });
        const [orders, again] = [join(databases.folder, 'orders.csv'), join(databases.folder, 'again.csv')];
        for (const file of [orders, again]) await rm(file, { force: true });
        const count = await exportOrders(stored.context, { output: orders });
        expect(
          await importOrders(copy.context, { file: orders, partial: false, dryRun: false }),
        ).toMatchObject({ inserted: count });
        await exportOrders(copy.context, { output: again });
        expect(await readFile(again, 'utf8')).toBe(await readFile(orders, 'utf8'));
        for (const world of [stored, copy]) await world.close();
      }),
      { numRuns: HISTORIES },
    );
  }, 600_000);
});

/** A history as actions on orders called 1, 2, …, each of which wants to hear whether the one before it was accepted. */
function* actionsOf({ customers, orders, steps }: History): Generator<GoldenAction, void, boolean> {
  for (const [index, value] of customers.entries()) {
    yield { op: 'set_customer', customer: CUSTOMERS[index] ?? '', value };
  }
  let now = START;
  let placed = 0;
  const add = ({ startsAfter, lasts, ...terms }: History['orders'][number]): GoldenAction => {
    placed += 1;
    const startsAt = instant(now + startsAfter);
    return {
      op: 'add_order',
      order: {
        ...terms,
        id: String(placed),
        starts_at: formatInstant(startsAt),
        ends_at: lasts === null ? null : formatInstant(instant(startsAt + lasts)),
      },
    };
  };
  for (const given of orders) yield add(given);
  for (const step of steps) {
    const at = formatInstant(now);
    switch (step.op) {
      case 'run':
        now = instant(now + step.later);
        yield { op: 'dry_run', at: formatInstant(now) };
        yield { op: 'run', at: formatInstant(now), draft: step.draft };
        break;
      case 'add_order':
        yield add(step.order);
        break;
      case 'set_end':
        yield {
          op: 'set_end',
          order: String(1 + (step.pick % placed)),
          ends_at: step.after === null ? null : formatInstant(instant(now + step.after)),
        };
        break;
      case 'cancel':
        yield { op: 'cancel', order: String(1 + (step.pick % placed)), at };
        break;
      case 'replace': {
        const replaced = String(1 + (step.pick % placed));
        const { recurring_price, quantity, mode } = step;
        const successor = { id: String(placed + 1), recurring_price, quantity };
        const accepted: boolean = yield { op: 'replace', order: replaced, at, new: successor, mode };
        if (accepted) placed += 1;
        break;
      }
      default:
        yield step;
    }
    yield { op: 'closed_orders' };
  }
  yield { op: 'close_drafts' };
  now = instant(now + 1);
  yield { op: 'run', at: formatInstant(now) };
  yield { op: 'run', at: formatInstant(now) };
}
