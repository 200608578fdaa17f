import type { Selectable } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Order } from '../../core/order.ts';
import type { Schema } from './schema.ts';

/** The columns that make an `Order`, for a query whose tables include `orders`. */
export const orderColumns = [
  'orders.id',
  'orders.description',
  'orders.currency',
  'orders.one_time_price',
  'orders.recurring_price',
  'orders.quantity',
  'orders.recurring_period_seconds',
  'orders.commitment_periods',
  'orders.charge',
  'orders.starts_at',
  'orders.ends_at',
  'orders.not_for_billing',
  'orders.closed',
  'orders.next_due_at',
  'orders.replaces_id',
] as const;

type Unqualified<Name> = Name extends `orders.${infer Column}` ? Column : never;

/** What `orderColumns` select. */
export type OrderRow = Pick<Selectable<Schema['orders']>, Unqualified<(typeof orderColumns)[number]>>;

/** The order of a row. It is not checked: another writer may have stored anything that the constraints allow. */
export function orderFromRow(row: OrderRow): Order {
  return {
    id: row.id,
    description: row.description,
    currency: row.currency,
    oneTimePrice: BigInt(row.one_time_price),
    recurringPrice: BigInt(row.recurring_price),
    quantity: row.quantity,
    recurringPeriodSeconds: row.recurring_period_seconds,
    commitmentPeriods: row.commitment_periods,
    charge: row.charge,
    startsAt: row.starts_at as Instant,
    endsAt: row.ends_at as Instant | null,
    notForBilling: row.not_for_billing,
    closed: row.closed,
    nextDueAt: row.next_due_at as Instant | null,
    replaces: row.replaces_id,
  };
}
