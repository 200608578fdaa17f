import { expect, it } from 'vitest';
import { parseReference } from '../../src/lib/core/reference.ts';
import { changeOrder, createOrder, showOrder } from '../../src/lib/ops/orders.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { at, NICO, openShop, VM } from '../support/shop.ts';

const CLOSED = { closed: true, next_due_at: 1 };
const REOPENED = { closed: false, next_due_at: at('2025-01-01') };

describeDatabases('the table of orders', (databases) => {
  async function orderIn(context: TestContext) {
    const placement = { username: NICO, product: VM, reference: parseReference('one') };
    return (await createOrder(await openShop(context), placement, { startsAt: at('2025-01-01') })).order;
  }

  /** As a run of bills leaves an order that is over. */
  async function close(context: TestContext, id: number) {
    const { kysely } = await context.db();
    await kysely.updateTable('orders').set({ closed: true }).where('id', '=', id).execute();
    await kysely.updateTable('order_due_times').set({ next_due_at: 1 }).where('order_id', '=', id).execute();
    expect(await stateOf(context, id)).toEqual(CLOSED);
  }

  async function stateOf(context: TestContext, id: number) {
    const { kysely } = await context.db();
    return kysely
      .selectFrom('orders')
      .innerJoin('order_due_times', 'order_id', 'id')
      .select(['closed', 'next_due_at'])
      .where('id', '=', id)
      .executeTakeFirst();
  }

  it.each<[string, string | number | null]>([
    ['user_id', 2],
    ['product_id', null],
    ['description', 'other'],
    ['currency', 'EUR'],
    ['one_time_price', 7],
    ['recurring_price', 7],
    ['quantity', 7],
    ['recurring_period_seconds', 60],
    ['commitment_periods', 7],
    ['charge', 'arrears'],
    ['starts_at', 7],
    ['reference', 'two'],
    ['reference', null],
    ['created_at', 7],
    ['id', 77],
  ])('refuses to change %s', async (column, value) => {
    const context = await databases.context();
    const order = await orderIn(context);
    const { kysely } = await context.db();
    const change = kysely
      .updateTable('orders')
      .set({ [column]: value })
      .where('id', '=', order.id);
    await expect(change.execute()).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
      message: expect.stringContaining('an order does not change'),
    });
    expect(await showOrder(context, { id: order.id })).toEqual(order);
  });

  it('refuses a loop of replacement, a second use of a reference, and values that no order has', async () => {
    const context = await databases.context();
    const { id } = await orderIn(context);
    const { kysely } = await context.db();
    const row = { user_id: 1, currency: 'CHF', starts_at: 10, created_at: 0 };
    const wrong: object[] = [
      { reference: 'one' },
      { quantity: 0 },
      { recurring_price: -1, recurring_period_seconds: 60 },
      { recurring_price: 1 },
      { recurring_period_seconds: 0 },
      { ends_at: 9 },
      { service_ends_at: 9 },
      { commitment_periods: 0 },
      { charge: 'later' },
      { currency: 'Francs' },
      { replaces_id: 99 },
      { id: 50, replaces_id: 50 },
      { user_id: 99 },
      { one_time_price: 1_000_000_000_000_001 },
    ];
    for (const fault of wrong) {
      const insert = kysely.insertInto('orders').values({ ...row, ...fault });
      await expect(insert.execute(), JSON.stringify(fault)).rejects.toMatchObject({
        code: 'CONSTRAINT_VIOLATED',
      });
    }
    const update = kysely.updateTable('orders').set({ ends_at: 1 }).where('id', '=', id);
    await expect(update.execute()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });

  it('opens an order again when its end or its billing changes, and only then', async () => {
    const context = await databases.context();
    const { id } = await orderIn(context);
    await close(context, id);
    await changeOrder(context, { id }, { serviceEndsAt: at('2025-02-01') });
    expect(await stateOf(context, id)).toEqual(CLOSED);
    await changeOrder(context, { id }, { endsAt: at('2025-02-01') });
    expect(await stateOf(context, id)).toEqual(REOPENED);
    await close(context, id);
    await changeOrder(context, { id }, { notForBilling: true });
    expect(await stateOf(context, id)).toEqual(REOPENED);
  });

  it('opens a replaced order again when its successor comes, and when the end of that changes', async () => {
    const context = await databases.context();
    const { id } = await orderIn(context);
    await changeOrder(context, { id }, { endsAt: at('2025-01-16') });
    await close(context, id);
    const { kysely } = await context.db();
    await kysely
      .insertInto('orders')
      .values({ user_id: 1, currency: 'CHF', starts_at: at('2025-01-16'), replaces_id: id, created_at: 0 })
      .execute();
    expect(await stateOf(context, id)).toEqual(REOPENED);
    await close(context, id);
    const { replacedBy } = await showOrder(context, { id });
    await changeOrder(context, { id: replacedBy[0] ?? 0 }, { endsAt: at('2025-03-01') });
    expect(await stateOf(context, id)).toEqual(REOPENED);
  });
});
