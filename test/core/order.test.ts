import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { formatInstant, type Instant, LAST_INSTANT } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import {
  checkNewOrder,
  checkOrder,
  checkReplacements,
  checkSuccession,
  commitmentEnd,
  decideCancellation,
  decideNewEnd,
  decideReplacement,
  decideServiceEnd,
  effectiveEnd,
  impliedEnds,
  misfit,
  type Order,
} from '../../src/lib/core/order.ts';
import { anOrder, day } from '../support/billing.ts';
import { refusalOf } from '../support/refusal.ts';

const OPEN = { end: null, billed: true };

describe('an order', () => {
  test.each<[string, Partial<Order>, string]>([
    ['quantity', { quantity: 0 }, 'quantity'],
    ['quantity', { quantity: 1.5 }, 'quantity'],
    ['quantity', { quantity: Number.NaN }, 'quantity'],
    ['quantity', { quantity: 2 ** 31 }, 'quantity'],
    ['period', { recurringPeriodSeconds: 0 }, 'period'],
    ['period', { recurringPeriodSeconds: -60 }, 'period'],
    ['period', { recurringPeriodSeconds: 0.5 }, 'period'],
    ['recurring price', { recurringPrice: -1n }, 'recurring price'],
    ['recurring price', { recurringPeriodSeconds: null }, 'recurring price'],
    ['recurring price', { recurringPrice: 1_000_000_000_000n, quantity: 1_001 }, 'recurring price'],
    ['one-time price', { oneTimePrice: -1_000_000_000_000n, quantity: 1_001 }, 'one-time price'],
    ['charge', { charge: 'later' as 'advance' }, 'charge'],
    ['commitment', { commitmentPeriods: 0 }, 'commitment'],
    ['commitment', { commitmentPeriods: 1_000_000 }, 'commitment'],
    ['start', { startsAt: (LAST_INSTANT + 1) as Instant }, 'start'],
    ['end', { endsAt: day('2024-12-31') }, 'end'],
    ['end', { endsAt: (LAST_INSTANT + 1) as Instant }, 'end'],
  ])('with a bad %s is refused by that name', (_, fault, field) => {
    const refusal = refusalOf(() => checkOrder(anOrder(fault)));
    expect(refusal).toMatchObject({ code: 'INVALID_ORDER', data: { field } });
  });

  test.each<[string, Partial<Order>]>([
    ['that ends where it starts', { endsAt: day('2025-01-01') }],
    ['of the largest charge', { recurringPrice: 1_000_000_000_000n, quantity: 1_000 }],
    ['of the largest charge for once', { oneTimePrice: 1_000_000_000_000n, quantity: 1_000 }],
    [
      'that is a negative adjustment',
      { oneTimePrice: -50_000n, recurringPrice: 0n, recurringPeriodSeconds: null },
    ],
    ['that is free', { recurringPrice: 0n }],
  ])('%s is sound', (_, given) => {
    expect(() => checkNewOrder(anOrder(given))).not.toThrow();
  });

  test('needs a known currency', () => {
    expect(refusalOf(() => checkOrder(anOrder({ currency: 'QQQ' }))).code).toBe('UNKNOWN_CURRENCY');
  });

  test.each([
    ['CHF', '0.0049', 1, 'PRICE_TOO_SMALL'],
    ['CHF', '0.005', 1, null],
    ['CHF', '0.0049', 2, null],
    ['JPY', '0.4999', 1, 'PRICE_TOO_SMALL'],
    ['JPY', '0.5', 1, null],
  ])('in %s at %s × %d has a price that amounts to something, or not', (currency, price, quantity, code) => {
    const attempt = () => checkNewOrder(anOrder({ currency, quantity, recurringPrice: parsePrice(price) }));
    if (code === null) expect(attempt).not.toThrow();
    else expect(refusalOf(attempt).code).toBe(code);
  });
});

describe('replacement links', () => {
  test.each<[string, [number, number | null][], string | null]>([
    [
      'a chain',
      [
        [1, null],
        [2, 1],
        [3, 2],
      ],
      null,
    ],
    [
      'two that replace the same',
      [
        [1, null],
        [2, 1],
        [3, 1],
      ],
      null,
    ],
    ['itself', [[1, 1]], 'REPLACEMENT_CYCLE'],
    [
      'a circle',
      [
        [1, 3],
        [2, 1],
        [3, 2],
      ],
      'REPLACEMENT_CYCLE',
    ],
    [
      'a chain into a circle',
      [
        [1, null],
        [4, 3],
        [3, 2],
        [2, 3],
      ],
      'REPLACEMENT_CYCLE',
    ],
    ['nothing there', [[1, 9]], 'INVALID_ORDER'],
  ])('%s', (_, links, code) => {
    const attempt = () => checkReplacements(new Map(links));
    if (code === null) expect(attempt).not.toThrow();
    else expect(refusalOf(attempt).code).toBe(code);
  });

  test('a long chain takes no stack', () => {
    const links = Array.from({ length: 100_000 }, (_, id): [number, number | null] => [
      id,
      id === 0 ? null : id - 1,
    ]);
    expect(() => checkReplacements(new Map(links.reverse()))).not.toThrow();
  });

  test('the earliest replacement that was not cancelled before its start ends an order', () => {
    const old = anOrder();
    const implied = impliedEnds([
      old,
      anOrder({ id: 2, replaces: 1, startsAt: day('2025-01-11'), endsAt: day('2025-01-11') }),
      anOrder({ id: 3, replaces: 1, startsAt: day('2025-01-21') }),
      anOrder({ id: 4, replaces: 1, startsAt: day('2025-01-16') }),
    ]);
    expect(effectiveEnd(old, implied)).toBe(day('2025-01-16'));
    expect(effectiveEnd(anOrder({ endsAt: day('2025-02-01') }), implied)).toBe(day('2025-02-01'));
    expect(effectiveEnd(anOrder({ id: 4 }), implied)).toBeNull();
  });
});

describe('an order and its successor', () => {
  const old = anOrder({ recurringPrice: 100_000n, recurringPeriodSeconds: 2_592_000 });
  const meet = (oldEnd: string | null, start: string, more: Partial<Order> = {}) =>
    misfit(
      { ...old, endsAt: oldEnd === null ? null : day(oldEnd) },
      { ...old, startsAt: day(start), ...more },
    );
  const cheaper = { recurringPrice: 99_999n };

  test.each<[string, ReturnType<typeof meet>, ReturnType<typeof misfit>]>([
    ['without an end', meet(null, '2025-01-16'), null],
    ['at the start of the successor', meet('2025-01-16', '2025-01-16', cheaper), null],
    ['before it', meet('2025-01-15', '2025-01-16'), 'gap'],
    ['at the end of the period of an upgrade', meet('2025-01-31', '2025-01-16'), null],
    ['later than that', meet('2025-02-01', '2025-01-16'), 'overlap'],
    ['one period after an upgrade on a boundary', meet('2025-03-02', '2025-01-31'), 'overlap'],
    ['at the end of the period of a downgrade', meet('2025-01-31', '2025-01-16', cheaper), 'overlap'],
    ['after a successor that starts with it', meet('2025-01-31', '2025-01-01'), 'overlap'],
    ['after a successor that starts before it', meet('2025-01-02', '2024-12-02'), 'overlap'],
    [
      'after a successor that never runs',
      meet('2025-02-01', '2025-01-16', { endsAt: day('2025-01-16') }),
      null,
    ],
    ['where it starts itself, after its successor', meet('2025-01-01', '2024-12-01'), null],
  ])('that ends %s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  test('meet whenever `decideReplacement` and `decideCancellation` make them', () => {
    const seconds = fc.integer({ min: 1, max: 300 });
    const terms = fc.record({
      recurringPrice: fc.bigInt({ min: 0n, max: 5n }),
      quantity: fc.integer({ min: 1, max: 3 }),
      recurringPeriodSeconds: fc.oneof(fc.constant(null), seconds),
      commitmentPeriods: fc.integer({ min: 1, max: 4 }),
    });
    const moment = fc.integer({ min: -50, max: 700 }).map((offset) => (old.startsAt + offset) as Instant);
    const open = (end: Instant | null) => ({ end, billed: false });
    fc.assert(
      fc.property(
        fc.record({
          first: terms,
          second: terms,
          cancelledFirst: fc.boolean(),
          at: moment,
          cancelAt: moment,
        }),
        fc.constantFrom('prorate' as const, 'full' as const),
        fc.tuple(fc.constantFrom(1, 2), moment),
        ({ first, second, cancelledFirst, at, cancelAt }, policy, [which, then]) => {
          let before = anOrder({ ...first });
          let after = anOrder({ id: 2, replaces: 1, ...second });
          const attempt = (work: () => void) => {
            try {
              work();
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
            }
          };
          const cancel = (order: Order, when: Instant): Order => {
            let cancelled = order;
            attempt(() => {
              cancelled = { ...order, endsAt: decideCancellation(order, when, open(order.endsAt)) };
            });
            return cancelled;
          };
          if (cancelledFirst) before = cancel(before, cancelAt);
          attempt(() => {
            const decided = decideReplacement(before, after, at, policy, open(before.endsAt));
            before = { ...before, endsAt: decided.oldEndsAt };
            after = { ...after, startsAt: decided.newStartsAt };
            expect(misfit(before, after)).toBeNull();
            if (which === 1) before = cancel(before, then);
            else after = cancel(after, then);
            expect(misfit(before, after)).not.toBe('overlap');
          });
        },
      ),
    );
  });

  test('are refused by name where both run', () => {
    const late = { ...old, endsAt: day('2025-02-01') };
    const successor = { ...old, ...cheaper, startsAt: day('2025-01-16') };
    expect(() => checkSuccession(1, { ...late, endsAt: day('2025-01-15') }, successor)).not.toThrow();
    expect(refusalOf(() => checkSuccession(1, late, successor))).toMatchObject({
      code: 'ORDERS_OVERLAP',
      message:
        'Order 1 ends at 2025-02-01T00:00:00Z, after the start of the order that replaces it, 2025-01-16T00:00:00Z.',
    });
    expect(refusalOf(() => checkSuccession('a b', late, successor)).hint).toContain(
      "`uncloud order update 'ref:a b' --ends-at 2025-01-16T00:00:00Z`",
    );
  });
});

describe('a cancellation', () => {
  test.each([
    ['2024-12-31T00:00:00Z', 1, '2025-01-01T00:00:00Z'],
    ['2025-01-01T00:00:00Z', 12, '2025-01-01T00:00:00Z'],
    ['2025-01-02T00:00:00Z', 1, '2025-01-31T00:00:00Z'],
    ['2025-01-31T00:00:00Z', 1, '2025-01-31T00:00:00Z'],
    ['2025-02-01T00:00:00Z', 1, '2025-03-02T00:00:00Z'],
    ['2025-01-02T00:00:00Z', 2, '2025-03-02T00:00:00Z'],
  ])('at %s with %d committed periods ends at %s', (at, commitmentPeriods, end) => {
    const when = (Date.parse(at) / 1000) as Instant;
    expect(formatInstant(commitmentEnd(anOrder({ commitmentPeriods }), when))).toBe(end);
  });

  test('never moves an end to a later instant', () => {
    const end = day('2025-01-20');
    expect(decideCancellation(anOrder(), day('2025-01-11'), { end, billed: true })).toBe(end);
  });

  test('is refused after the end, and for a one-time order that is billed', () => {
    const end = day('2025-01-11');
    const ended = refusalOf(() => decideCancellation(anOrder(), end, { end, billed: true }));
    expect(ended.code).toBe('ORDER_ENDED');
    const once = anOrder({ recurringPeriodSeconds: null, recurringPrice: 0n, oneTimePrice: 10n });
    expect(refusalOf(() => decideCancellation(once, end, OPEN)).code).toBe('INVALID_ORDER');
    expect(decideCancellation(once, end, { end: null, billed: false })).toBe(once.startsAt);
  });

  test('and a replacement are refused where no order can end', () => {
    const old = anOrder();
    const state = { end: null, billed: false };
    const cheaper = { ...old, recurringPrice: 1n };
    for (const decide of [
      () => decideCancellation(old, LAST_INSTANT, state),
      () => decideReplacement(old, cheaper, LAST_INSTANT, 'prorate', state),
      () => decideReplacement(old, old, LAST_INSTANT, 'full', state),
    ]) {
      expect(refusalOf(decide)).toMatchObject({ code: 'INVALID_ORDER', data: { field: 'end' } });
    }
  });
});

describe('a replacement', () => {
  const at = day('2025-01-16');

  test('compares prices per second, exactly', () => {
    const old = anOrder({ recurringPrice: 300_000n, recurringPeriodSeconds: 2_592_000 });
    const daily = (price: bigint) =>
      decideReplacement(
        old,
        { ...old, recurringPrice: price, recurringPeriodSeconds: 86_400 },
        at,
        'prorate',
        OPEN,
      ).kind;
    expect([daily(9_999n), daily(10_000n)]).toEqual(['downgrade', 'upgrade']);
  });

  test('by a cheaper order waits for the end of the commitment, or an end that is set', () => {
    const old = anOrder({ commitmentPeriods: 3 });
    const cheaper = { ...old, recurringPrice: 1n };
    const committed = decideReplacement(old, cheaper, at, 'prorate', OPEN);
    expect(committed).toEqual({
      kind: 'downgrade',
      oldEndsAt: day('2025-04-01'),
      newStartsAt: day('2025-04-01'),
    });
    const ending = decideReplacement(old, cheaper, at, 'prorate', { end: day('2025-02-01'), billed: true });
    expect(ending).toEqual({
      kind: 'downgrade',
      oldEndsAt: day('2025-02-01'),
      newStartsAt: day('2025-02-01'),
    });
  });

  test('with the policy full keeps the running period, unless it is over at that instant', () => {
    const upgrade = (when: Instant, end: Instant | null) =>
      decideReplacement(anOrder(), anOrder({ id: 2 }), when, 'full', { end, billed: true }).oldEndsAt;
    expect(upgrade(at, null)).toBe(day('2025-01-31'));
    expect(upgrade(at, day('2025-01-20'))).toBe(day('2025-01-20'));
    expect(upgrade(day('2025-01-31'), null)).toBe(day('2025-01-31'));
  });

  test('is refused after the end, before an order that never existed, and across currencies', () => {
    const refusal = (old: Order, end: Instant | null, other: Order = old) =>
      refusalOf(() => decideReplacement(old, other, at, 'prorate', { end, billed: true })).code;
    expect(refusal(anOrder(), at)).toBe('ORDER_ENDED');
    const future = anOrder({ startsAt: day('2025-02-01') });
    expect(refusal(future, future.startsAt)).toBe('ORDER_ENDED');
    expect(refusal(anOrder(), null, anOrder({ currency: 'EUR' }))).toBe('CURRENCY_MISMATCH');
    expect(refusal(anOrder({ recurringPeriodSeconds: null }), null)).toBe('INVALID_ORDER');
  });
});

test('an end set by hand is anything from the start on', () => {
  expect(decideNewEnd(anOrder(), null)).toBeNull();
  expect(decideNewEnd(anOrder(), day('2025-01-01'))).toBe(day('2025-01-01'));
  expect(refusalOf(() => decideNewEnd(anOrder(), day('2024-12-31'))).code).toBe('INVALID_ORDER');
});

test('a service ends between now and the end of its order', () => {
  const now = day('2025-01-11');
  const end = day('2025-01-31');
  expect(decideServiceEnd(now, end, now)).toBe(now);
  expect(decideServiceEnd(now, end, end)).toBe(end);
  expect(decideServiceEnd(now, null, end)).toBe(end);
  expect(refusalOf(() => decideServiceEnd(now, end, day('2025-01-10'))).code).toBe('INVALID_ORDER');
  expect(refusalOf(() => decideServiceEnd(now, end, day('2025-02-01'))).code).toBe('INVALID_ORDER');
});
