import { formatInstant } from '../core/instant.ts';
import { formatPrice } from '../core/money.ts';
import { ONCE, periodName } from '../core/period.ts';
import type { Username } from '../core/user.ts';
import { findOwner, findReach } from '../io/db/access.ts';
import { type NamedOrder, nameOrders } from '../io/db/order-names.ts';
import { findOrderRows } from '../io/db/orders.ts';
import { inPages } from '../io/db/pages.ts';
import { type ExportOptions, type ExportPlan, exportFile } from '../io/export-file.ts';
import type { Context } from './context.ts';

const COLUMNS = [
  'username',
  'product',
  'quantity',
  'starts_at',
  'ends_at',
  'period',
  'recurring_price',
  'one_time_price',
  'currency',
  'commitment_periods',
  'charge',
  'description',
  'replaces',
  'not_for_billing',
  'reference',
] as const;

/**
 * Writes orders as `order import` reads them, in the order of their ids. One without a reference gets one in the file,
 * by which the import knows it again.
 * @param username only those of this user
 * @returns how many
 * @throws UNKNOWN_USER, FORBIDDEN, and what `exportFile` throws
 */
export async function exportOrders(
  context: Context,
  { username, ...options }: ExportOptions & { username?: Username | undefined },
): Promise<number> {
  const database = await context.db();
  const userId = await database.read((tx) => findOwner(tx, context.asUser, username, 'orders'));
  const plan: ExportPlan<(typeof COLUMNS)[number]> = {
    things: 'orders',
    columns: COLUMNS,
    async *pages(batch) {
      const pages = inPages(
        batch,
        async (tx, page) => {
          const within = await findReach(tx, context.asUser);
          return nameOrders(tx, await findOrderRows(tx, { userId, within, page }));
        },
        ({ id }) => id,
      );
      for await (const orders of pages) yield orders.map(rowOf);
    },
  };
  return exportFile(database, options, plan, context.progress);
}

function rowOf(order: NamedOrder) {
  return {
    username: order.username,
    product: order.product,
    quantity: order.quantity,
    starts_at: formatInstant(order.startsAt),
    ends_at: order.endsAt === null ? null : formatInstant(order.endsAt),
    period: periodName(order.recurringPeriodSeconds ?? ONCE),
    recurring_price: formatPrice(order.recurringPrice),
    one_time_price: formatPrice(order.oneTimePrice),
    currency: order.currency,
    commitment_periods: order.commitmentPeriods,
    charge: order.charge,
    description: order.description,
    replaces: order.predecessor,
    not_for_billing: order.notForBilling || null,
    reference: order.reference,
  };
}
