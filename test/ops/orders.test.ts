import { expect, it } from 'vitest';
import { formatInstant } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import type { OrderRequest } from '../../src/lib/core/new-order.ts';
import {
  parsePriceOption,
  parseProductDescription,
  parseProductName,
  priceSet,
} from '../../src/lib/core/product.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { StoredOrder } from '../../src/lib/io/db/orders.ts';
import {
  cancelOrder,
  changeOrder,
  createOrder,
  listOrders,
  replaceOrder,
  showOrder,
} from '../../src/lib/ops/orders.ts';
import { createProduct } from '../../src/lib/ops/products.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { at, BIG_VM, NICO, openShop, VM } from '../support/shop.ts';

const TEN: OrderRequest = {
  period: 2_592_000,
  recurringPrice: parsePrice('10'),
  currency: 'CHF',
  startsAt: at('2025-01-01'),
};

describeDatabases('orders', (databases) => {
  const shop = async () => openShop(await databases.context());

  const place = async (context: TestContext, request: OrderRequest = TEN) =>
    (await createOrder(context, { username: NICO }, request)).order;

  const replace = (
    context: TestContext,
    id: number,
    when: string,
    successor: Parameters<typeof replaceOrder>[2],
    policy?: 'prorate' | 'full',
  ) => replaceOrder(context, { id }, successor, { at: at(when), policy, dryRun: false });

  async function list(context: TestContext, filter: Partial<Parameters<typeof listOrders>[1]> = {}) {
    const orders: StoredOrder[] = [];
    await listOrders(context, { active: false, ...filter }, async (page) => orders.push(...page) > 0);
    return orders.map(({ id }) => id);
  }

  /** Stores a draft with one record of the order. */
  async function markBilled(context: TestContext, orderId: number) {
    const { kysely } = await context.db();
    const total = { net: 3500, vat: 0, total: 3500 };
    const bill = {
      user_id: 1,
      currency: 'CHF',
      issued_at: 0,
      kind: 'invoice',
      seller: '',
      buyer: '',
    } as const;
    await kysely
      .insertInto('bills')
      .values({ ...bill, ...total, number: null })
      .execute();
    const vat = { vat_treatment: 'outside', vat_territory: 'US', vat_rate: 0, vat_reason: '' } as const;
    const record = { kind: 'one_time', period_index: -1, seq: 0, period_start: 0, period_end: 0 } as const;
    const terms = { net: 3500, description: '', unit_price: 350_000, quantity: 1 };
    await kysely
      .insertInto('bill_records')
      .values({ bill_id: 1, order_id: orderId, ...record, ...vat, ...terms })
      .execute();
  }

  it('have one successor at a time, unless it is taken back before it starts', async () => {
    const context = await shop();
    const { id } = await place(context);
    const five = { recurringPrice: 50_000n };
    const first = await replace(context, id ?? 0, '2025-01-16', five);
    await expect(replace(context, id ?? 0, '2025-01-16', five)).rejects.toMatchObject({
      code: 'ORDER_REPLACED',
      data: { order: id, replaced_by: first.order.id },
    });
    await cancelOrder(context, { id: first.order.id ?? 0 }, { at: at('2025-01-16'), dryRun: false });
    const second = await replace(context, id ?? 0, '2025-01-17', { recurringPrice: 200_000n });
    expect(second).toMatchObject({
      kind: 'upgrade',
      replaced: { replacedBy: [first.order.id, second.order.id] },
    });
    const back = changeOrder(context, { id: first.order.id ?? 0 }, { endsAt: null });
    await expect(back).rejects.toMatchObject({
      code: 'ORDER_REPLACED',
      data: { order: id, replaced_by: second.order.id },
    });
  });

  it('copy the price of a product, for the default period or the one that is named', async () => {
    const context = await shop();
    const placed = { username: NICO, product: VM };
    const { order } = await createOrder(context, placed, { quantity: 2 });
    expect(order).toMatchObject({
      username: 'nico',
      product: 'VM',
      description: 'VM',
      currency: 'CHF',
      oneTimePrice: 10_000n,
      recurringPrice: 100_000n,
      recurringPeriodSeconds: 2_592_000,
      quantity: 2,
      commitmentPeriods: 1,
      charge: 'advance',
      startsAt: context.now,
      end: null,
      notForBilling: false,
    });
    const yearly = await createOrder(context, placed, {
      period: 31_536_000,
      recurringPrice: parsePrice('90'),
    });
    expect(yearly.order).toMatchObject({ recurringPeriodSeconds: 31_536_000, oneTimePrice: 0n });
    expect(yearly.order.recurringPrice).toBe(900_000n);
    await expect(createOrder(context, placed, { period: 3600 })).rejects.toMatchObject({
      code: 'UNKNOWN_PRODUCT_PRICE',
      data: { periods: ['30d', '365d'] },
    });
    expect(await showOrder(context, { id: order.id })).toEqual(order);
  });

  it.each<[string, OrderRequest & { user?: string; product?: string }, string]>([
    ['an unknown user', { ...TEN, user: 'nobody' }, 'UNKNOWN_USER'],
    ['an unknown product', { product: 'Toaster' }, 'UNKNOWN_PRODUCT'],
    ['no price', { currency: 'CHF', period: 60 }, 'INCOMPLETE_ORDER'],
    ['no currency', { ...TEN, currency: undefined }, 'INCOMPLETE_ORDER'],
    ['no period', { ...TEN, period: undefined }, 'INCOMPLETE_ORDER'],
    ['a recurring price that does not recur', { ...TEN, period: 0 }, 'INVALID_ORDER'],
    ['a price that rounds to nothing', { ...TEN, recurringPrice: parsePrice('0.0049') }, 'PRICE_TOO_SMALL'],
    ['an end before the start', { ...TEN, endsAt: at('2024-12-31T23:59:59Z') }, 'INVALID_ORDER'],
    ['a price of a product in another currency', { product: 'VM', currency: 'EUR' }, 'INVALID_ORDER'],
  ])('with %s are refused', async (_, { user, product, ...request }, code) => {
    const context = await shop();
    const placement = {
      username: user === undefined ? NICO : parseUsername(user),
      product: product === undefined ? undefined : parseProductName(product),
    };
    await expect(createOrder(context, placement, request)).rejects.toMatchObject({ code });
    expect(await list(context)).toEqual([]);
  });

  it('of one reference are placed once, and refused with another content', async () => {
    const context = await shop();
    const placement = { username: NICO, product: VM, reference: parseReference('nico-vm') };
    const { order } = await createOrder(context, placement, { endsAt: at('2026-01-01') });
    const later = context.at('2027-01-01');
    expect(await createOrder(later, placement, { endsAt: at('2026-01-01') })).toEqual({
      order,
      created: false,
    });
    await cancelOrder(context, { id: order.id }, { at: at('2025-01-10'), dryRun: false });
    expect((await createOrder(later, placement, {})).created).toBe(false);
    const other = { ...placement, username: parseUsername('anna') };
    const request = {
      quantity: 2,
      recurringPrice: 1_0000n,
      startsAt: at('2025-02-01'),
      endsAt: at('2025-03-01'),
    };
    await expect(createOrder(later, other, request)).rejects.toMatchObject({
      code: 'REFERENCE_TAKEN',
      data: { fields: ['username', 'quantity', 'starts_at', 'ends_at', 'recurring_price'] },
    });
    expect(await list(context)).toEqual([order.id]);
  });

  it('are found by id and by reference, also one of digits', async () => {
    const context = await shop();
    const reference = parseReference('77');
    const { order } = await createOrder(context, { username: NICO, reference }, TEN);
    expect((await showOrder(context, { reference })).id).toBe(order.id);
    for (const key of [{ id: 77 }, { id: 1e30 }, { reference: parseReference('78') }]) {
      await expect(showOrder(context, key)).rejects.toMatchObject({ code: 'UNKNOWN_ORDER', exit: 1 });
    }
  });

  it('are listed by user, product and whether they run now', async () => {
    const context = (await shop()).at('2025-06-01');
    const open = await place(context);
    await place(context, { ...TEN, endsAt: context.now });
    await place(context, { ...TEN, startsAt: at('2025-06-01T00:00:01Z') });
    const replaced = await place(context);
    const { order: later } = await replace(context, replaced.id, '2025-05-01', { quantity: 2 });
    const { order: annas } = await createOrder(context, { username: parseUsername('anna'), product: VM }, {});
    expect(await list(context, { active: true })).toEqual([open.id, later.id, annas.id]);
    expect(await list(context, { username: parseUsername('anna') })).toEqual([annas.id]);
    expect(await list(context, { product: VM })).toEqual([annas.id]);
    expect(await list(context, { product: BIG_VM })).toEqual([]);
    expect(await list(context)).toHaveLength(6);
    const { code } = await list(context, { username: parseUsername('nobody') }).catch((error) => error);
    expect(code).toBe('UNKNOWN_USER');
  });

  // The cases of the specification: 10 CHF for 30 days from 2025-01-01.
  it.each<[string, string, 'prorate' | 'full', string, string, string]>([
    ['2025-01-16', '20', 'prorate', 'upgrade', '2025-01-16', '2025-01-16'],
    ['2025-01-16', '20', 'full', 'upgrade', '2025-01-31', '2025-01-16'],
    ['2025-01-02', '20', 'prorate', 'upgrade', '2025-01-02', '2025-01-02'],
    ['2025-01-16', '5', 'prorate', 'downgrade', '2025-01-31', '2025-01-31'],
    ['2024-12-24', '5', 'prorate', 'before-start', '2025-01-01', '2025-01-01'],
  ])(
    'that are changed at %s to a price of %s (%s): %s',
    async (when, price, policy, kind, oldEnd, newStart) => {
      const context = await shop();
      const old = await place(context);
      const successor = { recurringPrice: parsePrice(price) };
      const planned = await replaceOrder(context, { id: old.id }, successor, {
        at: at(when),
        policy,
        dryRun: true,
      });
      expect(await list(context)).toEqual([old.id]);
      const outcome = await replace(context, old.id, when, successor, policy);
      const { order, replaced } = outcome;
      expect(outcome.kind).toBe(kind);
      expect(
        [replaced.endsAt, order.startsAt].map((time) => formatInstant(time ?? at('1970-01-01'))),
      ).toEqual([`${oldEnd}T00:00:00Z`, `${newStart}T00:00:00Z`]);
      expect(order).toMatchObject({ replaces: old.id, endsAt: null });
      expect(replaced.replacedBy).toEqual([order.id]);
      expect(await showOrder(context, { id: old.id })).toEqual(replaced);
      expect(planned).toEqual({
        kind,
        order: { ...order, id: null, closed: undefined, nextDueAt: undefined },
        replaced: { ...replaced, replacedBy: [], closed: false, nextDueAt: old.nextDueAt },
      });
    },
  );

  it('take the policy of an upgrade from the configuration', async () => {
    const context = await databases.context({ config: { billing: { upgrade_policy: 'full' } } });
    const old = await place(await openShop(context));
    const { replaced } = await replace(context, old.id, '2025-01-16', { quantity: 2 });
    expect(replaced.endsAt).toBe(at('2025-01-31'));
  });

  it('inherit what is not given, but neither one-time price nor end', async () => {
    const context = await shop();
    const old = await place(context, {
      ...TEN,
      oneTimePrice: parsePrice('35'),
      commitmentPeriods: 12,
      charge: 'arrears',
      description: 'Shell',
      notForBilling: true,
      endsAt: at('2027-01-01'),
    });
    const { order } = await replace(context, old.id, '2025-01-16', { quantity: 3 });
    expect(order).toMatchObject({
      quantity: 3,
      oneTimePrice: 0n,
      recurringPrice: 100_000n,
      commitmentPeriods: 12,
      charge: 'arrears',
      description: 'Shell',
      notForBilling: true,
      reference: null,
      endsAt: null,
    });
  });

  it('take the price of another product with what it costs to set up, and of their own for another period', async () => {
    const context = await shop();
    const { order: vm } = await createOrder(
      context,
      { username: NICO, product: VM },
      { startsAt: context.now },
    );
    const same = { product: VM, quantity: 2 };
    const again = await replaceOrder(context, { id: vm.id }, same, { at: context.now, dryRun: true });
    expect(again.order).toMatchObject({ quantity: 2, oneTimePrice: 0n });
    const big = await replace(context, vm.id, '2025-01-16', { product: BIG_VM });
    expect(big.order).toMatchObject({ product: 'Big VM', description: 'Big VM', oneTimePrice: 50_000n });
    expect(big.order.recurringPrice).toBe(200_000n);
    const small = await replace(context, big.order.id ?? 0, '2025-01-20', { product: VM, oneTimePrice: 0n });
    expect(small).toMatchObject({ kind: 'downgrade', order: { oneTimePrice: 0n } });
    const yearly = await replace(context, small.order.id ?? 0, '2025-02-20', { period: 31_536_000 });
    expect(yearly.order).toMatchObject({ product: 'VM', recurringPrice: 1_000_000n, oneTimePrice: 0n });
    const bare = await place(context);
    await expect(replace(context, bare.id, '2025-01-16', { period: 31_536_000 })).rejects.toMatchObject({
      code: 'INCOMPLETE_ORDER',
    });
  });

  it.each<[string, Parameters<typeof replaceOrder>[2], string, string]>([
    ['another currency', { currency: 'EUR' }, '2025-01-16', 'CURRENCY_MISMATCH'],
    ['an end that is past', { quantity: 2 }, '2025-03-01', 'ORDER_ENDED'],
    [
      'a product that is not there',
      { product: parseProductName('Toaster') },
      '2025-01-16',
      'UNKNOWN_PRODUCT',
    ],
    ['a price that rounds to nothing', { recurringPrice: 1n }, '2025-01-16', 'PRICE_TOO_SMALL'],
    [
      'nothing that changes',
      { quantity: 1, reference: parseReference('other') },
      '2025-01-16',
      'ORDER_UNCHANGED',
    ],
    ['a reference that is taken', { reference: parseReference('one') }, '2025-01-16', 'REFERENCE_TAKEN'],
  ])('are not replaced with %s', async (_, successor, when, code) => {
    const context = await shop();
    const placement = { username: NICO, reference: parseReference('one') };
    const { order } = await createOrder(context, placement, { ...TEN, endsAt: at('2025-03-01') });
    await expect(replace(context, order.id, when, successor)).rejects.toMatchObject({ code });
    expect(await showOrder(context, { id: order.id })).toEqual(order);
    expect(await list(context)).toEqual([order.id]);
  });

  it('do not take the amounts of a product for those of another currency', async () => {
    const context = await shop();
    const product = parseProductName('Euro VM');
    const prices = priceSet([parsePriceOption('30d=1+50')], 'EUR');
    await createProduct(context, { name: product, description: parseProductDescription(''), prices });
    const { id } = await place(context);
    const successor = { product, currency: 'CHF', recurringPrice: parsePrice('55') } as const;
    await expect(replace(context, id, '2025-01-16', successor)).rejects.toMatchObject({
      code: 'INVALID_ORDER',
      data: { field: 'currency' },
    });
    const priced = { ...successor, oneTimePrice: parsePrice('1.10') };
    expect((await replace(context, id, '2025-01-16', priced)).order).toMatchObject({
      currency: 'CHF',
      recurringPrice: priced.recurringPrice,
      oneTimePrice: priced.oneTimePrice,
    });
  });

  it('of one time can be cancelled and replaced until they are billed', async () => {
    const context = await shop();
    const once = { oneTimePrice: parsePrice('35'), currency: 'CHF', startsAt: at('2025-01-01') } as const;
    const { id } = await place(context, once);
    const cancel = () => cancelOrder(context, { id }, { at: at('2025-01-02'), dryRun: true });
    const change = () =>
      replaceOrder(context, { id }, { oneTimePrice: 0n }, { at: at('2025-01-02'), dryRun: true });
    expect((await cancel()).order.end).toBe(at('2025-01-01'));
    expect((await change()).kind).toBe('before-start');
    await markBilled(context, id);
    await expect(cancel()).rejects.toMatchObject({ code: 'INVALID_ORDER' });
    await expect(change()).rejects.toMatchObject({ code: 'INVALID_ORDER' });
  });

  it('end with the running period and the commitment when they are cancelled', async () => {
    const context = await shop();
    const order = await place(context, { ...TEN, commitmentPeriods: 2 });
    const cancel = (when: string, dryRun = false) =>
      cancelOrder(context, { id: order.id }, { at: at(when), dryRun });
    const planned = await cancel('2025-01-16', true);
    expect(planned).toMatchObject({ order: { endsAt: at('2025-03-02') }, changed: true });
    expect((await showOrder(context, { id: order.id })).endsAt).toBeNull();
    expect(await cancel('2025-01-16')).toEqual(planned);
    expect(await cancel('2025-02-20')).toMatchObject({ order: { endsAt: at('2025-03-02') }, changed: false });
    await expect(cancel('2025-03-02')).rejects.toMatchObject({ code: 'ORDER_ENDED' });
    const never = await place(context, { ...TEN, startsAt: at('2025-09-01') });
    const outcome = await cancelOrder(context, { id: never.id }, { at: context.now, dryRun: false });
    expect(outcome.order.end).toBe(at('2025-09-01'));
  });

  it('change their end, the end of their service, and whether they are billed', async () => {
    const context = await shop();
    const { id } = await place(context);
    const change = (given: Parameters<typeof changeOrder>[2]) => changeOrder(context, { id }, given);
    const ended = await change({ endsAt: at('2025-02-01'), serviceEndsAt: at('2025-02-01') });
    expect(ended).toMatchObject({
      order: { end: at('2025-02-01'), serviceEndsAt: at('2025-02-01') },
      changed: true,
    });
    expect((await change({ endsAt: at('2025-02-01') })).changed).toBe(false);
    await expect(change({ serviceEndsAt: at('2025-02-02') })).rejects.toMatchObject({
      code: 'INVALID_ORDER',
    });
    await expect(change({ endsAt: at('2024-12-31') })).rejects.toMatchObject({ code: 'INVALID_ORDER' });
    const earlier = await change({ endsAt: at('2025-01-20') });
    expect(earlier.order.serviceEndsAt).toBe(at('2025-01-20'));
    const open = await change({ endsAt: null, serviceEndsAt: null, notForBilling: true });
    expect(open.order).toMatchObject({ endsAt: null, serviceEndsAt: null, notForBilling: true });
    await expect(changeOrder(context, { id: 99 }, {})).rejects.toMatchObject({ code: 'UNKNOWN_ORDER' });
  });

  it('are not made to run beside their successors', async () => {
    const context = await shop();
    const { id } = await place(context);
    const { order } = await replace(context, id, '2025-01-16', { quantity: 2 });
    const successor = order.id ?? 0;
    const end = (of: number, endsAt: string | null) =>
      changeOrder(context, { id: of }, { endsAt: endsAt === null ? null : at(endsAt) });
    const overlap = { code: 'ORDERS_OVERLAP' };

    // Up to the end of the period, as under the policy `full`.
    await end(id, '2025-01-31');
    await expect(end(id, '2025-02-01')).rejects.toMatchObject(overlap);
    await end(id, null);
    await end(successor, '2025-01-16');
    await end(id, '2025-02-01');
    await expect(end(successor, null)).rejects.toMatchObject(overlap);
    await expect(end(successor, '2025-01-17')).rejects.toMatchObject(overlap);
    expect(await showOrder(context, { id: successor })).toMatchObject({ endsAt: at('2025-01-16') });
    await changeOrder(context, { id }, { notForBilling: true });
    await end(id, '2025-01-10');
    expect((await end(successor, null)).order.endsAt).toBeNull();
  });
});
