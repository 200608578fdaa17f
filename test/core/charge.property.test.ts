import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import {
  addDays,
  formatInstant,
  type Instant,
  instant,
  parseDay,
  startOfDay,
} from '../../src/lib/core/instant.ts';
import type { Order } from '../../src/lib/core/order.ts';
import { MemoryWorld, vatRulesOf } from '../support/memory-world.ts';

/** Set HISTORIES for a quick look, or for a long night. */
const HISTORIES = Number(process.env.HISTORIES ?? 50_000);

const START = startOfDay(parseDay('2025-01-01'));
const HOUR = 3_600;
const CUSTOMER = 'c';

/** Rates that change every five days; some neighbours are equal. */
const RATES = ['8', '7.7', '7.7', '8.1', '19', '19', '16', '25.5', '0', '20.6', '20.6', '5'];
const RULES = vatRulesOf(
  { country: 'CH', oss: true },
  RATES.map((rate, index) => ({
    territory: 'CH',
    from: addDays(parseDay('2025-01-01'), index * 5),
    to: index === RATES.length - 1 ? null : addDays(parseDay('2025-01-01'), (index + 1) * 5),
    rate,
  })),
);
const SPANS = RATES.map((rate, index) => ({
  from: START + index * 5 * 24 * HOUR,
  to: index === RATES.length - 1 ? Number.POSITIVE_INFINITY : START + (index + 1) * 5 * 24 * HOUR,
  rate: Math.round(Number(rate) * 100),
}));

const period = fc.constantFrom(7 * HOUR + 13, 24 * HOUR, 7 * 24 * HOUR, 2_592_000);
const price = fc.oneof(fc.bigInt(1n, 500n), fc.bigInt(0n, 2_000_000n));
const quantity = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 500 }));

const order = fc.record({
  currency: fc.constantFrom('CHF', 'JPY'),
  oneTimePrice: fc.oneof(fc.constant(0n), fc.bigInt(-2_000_000n, 2_000_000n)),
  recurringPrice: price,
  quantity,
  recurringPeriodSeconds: fc.oneof(
    { weight: 9, arbitrary: period },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  commitmentPeriods: fc.integer({ min: 1, max: 3 }),
  charge: fc.constantFrom('advance' as const, 'arrears' as const),
  startsAfter: fc.integer({ min: 0, max: 9 * 24 * HOUR }),
});

const pick = fc.nat({ max: 9 });
const later = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 12 * 24 * HOUR }));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('run' as const), later }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('set_end' as const),
      pick,
      after: fc.option(fc.integer({ min: 0, max: 40 * 24 * HOUR })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('cancel' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('replace' as const),
      pick,
      price: fc.integer({ min: 0, max: 200 }),
      quantity,
      policy: fc.constantFrom('prorate' as const, 'full' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('draft' as const), keep: fc.boolean(), later }) },
);

test('any history of bills adds up to what is owed, and a repeated run creates nothing', async () => {
  const history = fc.record({
    orders: fc.array(order, { minLength: 1, maxLength: 3 }),
    steps: fc.array(step, { maxLength: 12 }),
    last: later,
  });
  await fc.assert(
    fc.asyncProperty(history, async ({ orders, steps, last }) => {
      const world = new MemoryWorld(RULES);
      await world.setCustomer(CUSTOMER, { country: 'CH' });
      for (const [index, { startsAfter, ...terms }] of orders.entries()) {
        world.insert(String(index + 1), CUSTOMER, {
          ...terms,
          recurringPrice: terms.recurringPeriodSeconds === null ? 0n : terms.recurringPrice,
          description: '',
          startsAt: instant(START + startsAfter),
          endsAt: null,
          notForBilling: false,
          replaces: null,
        });
      }
      let now = START;
      for (const action of [...steps, { op: 'run' as const, later: last }]) {
        const ids = world.ordersOf(CUSTOMER).map(({ id }) => id);
        const key = String('pick' in action ? (ids[action.pick % ids.length] ?? 1) : 0);
        const at = formatInstant(now);
        if (action.op === 'run') {
          now = instant(now + action.later);
          const charged = chargedPeriods(world);
          const { errors } = await world.run(formatInstant(now), { draft: false });
          assert.equal(errors.length, 0, `skipped with ${errors[0]?.code}`);
          expectOwed(world, now, charged);
        } else if (action.op === 'draft') {
          now = instant(now + action.later);
          await world.run(formatInstant(now), { draft: true });
          if (action.keep) await world.closeDrafts();
          else await world.discardDrafts();
        } else {
          await tolerateRefusal(() => {
            if (action.op === 'cancel') return world.cancel(key, at);
            if (action.op === 'set_end') {
              const start = world.ordersOf(CUSTOMER).find(({ id }) => String(id) === key)?.startsAt ?? START;
              const end = action.after === null ? null : formatInstant(instant(start + action.after));
              return world.setEnd(key, end);
            }
            const successor = {
              id: String(ids.length + 1),
              recurring_price: String(action.price),
              quantity: action.quantity,
            };
            return world.replace(key, at, successor, action.policy);
          });
        }
      }
      const { bills } = await world.run(formatInstant(now), { draft: false });
      assert.equal(bills.length, 0, 'a repeated run made a bill');
      const { faults, pending } = world.verify(now);
      assert.equal(faults[0], undefined);
      assert.equal(pending, 0);
    }),
    { numRuns: HISTORIES },
  );
}, 600_000);

/** Holds the stored records against what an accountant with fractions and a calendar would say. */
function expectOwed(world: MemoryWorld, now: Instant, chargedBefore: ReadonlySet<string>): void {
  const orders = world.ordersOf(CUSTOMER);
  const records = world.recordsOf(CUSTOMER);
  const nets = new Map<string, bigint>();
  const byId = new Map(records.map((record) => [record.id, record]));
  for (const record of records) {
    assert.notEqual(record.net, 0n);
    const key = keyOf(record);
    nets.set(key, (nets.get(key) ?? 0n) + record.net);
    expectRate(record, byId);
  }
  const owed = new Map<string, bigint>();
  for (const order of orders) {
    const end = endOf(order, orders);
    const existed = end > order.startsAt;
    const oneTime = `${order.id}/-1`;
    const decimals = order.currency === 'JPY' ? 0n : 2n;
    const units = BigInt(order.quantity);
    if (chargedBefore.has(oneTime) || (existed && order.startsAt <= now)) {
      owed.set(oneTime, nearest(order.oneTimePrice * units, 10n ** (4n - decimals)));
    }
    const length = order.recurringPeriodSeconds;
    if (length === null) continue;
    for (let index = 0; order.startsAt + index * length <= now + length; index++) {
      const start = order.startsAt + index * length;
      const covered = Math.max(0, Math.min(length, end - start));
      const due = order.charge === 'advance' ? start <= now : start + covered <= now;
      const key = `${order.id}/${index}`;
      if (!due && !chargedBefore.has(key)) continue;
      const price = order.recurringPrice * units * BigInt(covered);
      owed.set(key, nearest(price, BigInt(length) * 10n ** (4n - decimals)));
    }
  }
  for (const key of new Set([...nets.keys(), ...owed.keys()])) {
    assert.equal(nets.get(key) ?? 0n, owed.get(key) ?? 0n, `order/period ${key}`);
  }
}

/** A charge has the one rate of its whole time; a credit has the rate of what it corrects, and is inside it. */
function expectRate(record: StoredRecord, records: ReadonlyMap<number, StoredRecord>): void {
  if (record.corrects !== null) {
    const corrected = records.get(record.corrects);
    assert(corrected !== undefined && corrected.corrects === null);
    assert.equal(record.vat, corrected.vat);
    assert(
      record.start >= corrected.start && record.end <= corrected.end,
      'a credit lies outside its charge',
    );
    return;
  }
  const lastSecond = Math.max(record.start, record.end - 1);
  for (const { from, to, rate } of SPANS) {
    if (from <= lastSecond && record.start < to) assert.equal(record.vat.rate, rate);
  }
}

function endOf(order: Order, orders: readonly Order[]): number {
  if (order.endsAt !== null) return order.endsAt;
  const starts = orders
    .filter((other) => other.replaces === order.id && other.endsAt !== other.startsAt)
    .map(({ startsAt }) => startsAt);
  return Math.min(Infinity, ...starts);
}

/** The whole number nearest to a fraction, the one farther from zero at a tie. */
function nearest(numerator: bigint, denominator: bigint): bigint {
  const whole = numerator / denominator;
  const rest = numerator % denominator;
  if (rest < 0n) return -2n * rest >= denominator ? whole - 1n : whole;
  return 2n * rest >= denominator ? whole + 1n : whole;
}

function chargedPeriods(world: MemoryWorld): Set<string> {
  return new Set(world.recordsOf(CUSTOMER).map(keyOf));
}

function keyOf({ orderId, periodIndex }: StoredRecord): string {
  return `${orderId}/${periodIndex}`;
}

async function tolerateRefusal(change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
