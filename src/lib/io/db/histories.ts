import type { Transaction } from 'kysely';
import type { History } from '../../core/bill.ts';
import { findBillsOf } from './bills.ts';
import { orderColumns, orderFromRow } from './orders.ts';
import type { Schema } from './schema.ts';

/** The whole histories of these users, by user. */
export async function findHistories(
  tx: Transaction<Schema>,
  userIds: readonly number[],
): Promise<Map<number, History>> {
  const rows = await tx
    .selectFrom('orders')
    .select([...orderColumns, 'orders.user_id'])
    .where('user_id', 'in', userIds)
    .orderBy('orders.id')
    .execute();
  const bills = await findBillsOf(tx, userIds);
  const orders = Map.groupBy(rows, ({ user_id }) => user_id);
  return new Map(
    userIds.map((id) => [
      id,
      { orders: (orders.get(id) ?? []).map((row) => orderFromRow(row)), bills: bills.get(id) ?? [] },
    ]),
  );
}
