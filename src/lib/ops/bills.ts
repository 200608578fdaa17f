import type { BillDocument } from '../core/bill-document.ts';
import { explainRecord, type RecordExplanation } from '../core/bill-explanation.ts';
import type { BillReference } from '../core/bill-reference.ts';
import { checkRange, dayOf } from '../core/instant.ts';
import { findOwner, findReach } from '../io/db/access.ts';
import {
  type BillListFilter,
  type BillSummary,
  findOrderStarts,
  getBill,
  readBills,
} from '../io/db/bills.ts';
import type { TakePage } from '../io/db/pages.ts';
import { findPayments, type StoredPayment } from '../io/db/payments.ts';
import { findVatRateTable } from '../io/db/vat-rates.ts';
import type { Context } from './context.ts';

/**
 * Hands on the bills that pass the filter, by issue instant.
 * @throws RANGE_EMPTY, UNKNOWN_USER, FORBIDDEN
 */
export async function listBills(
  context: Context,
  {
    overdue = false,
    ...filter
  }: Omit<BillListFilter, 'within' | 'overdueOn'> & { readonly overdue?: boolean },
  take: TakePage<BillSummary>,
): Promise<void> {
  checkRange(filter);
  const database = await context.db();
  const overdueOn = overdue ? dayOf(context.now) : undefined;
  await database.read(async (tx) => {
    await findOwner(tx, context.asUser, filter.username, 'bills');
    const within = await findReach(tx, context.asUser);
    await readBills(tx, { ...filter, overdueOn, within }, take);
  });
}

/**
 * A bill with its payments.
 * @throws UNKNOWN_BILL
 */
export async function showBill(
  context: Context,
  reference: BillReference,
): Promise<BillDocument & { readonly payments: readonly StoredPayment[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const bill = await getBill(tx, reference);
    return { ...bill, payments: await findPayments(tx, { billId: bill.id }) };
  });
}

/**
 * A bill, and where each of its records comes from.
 * @throws UNKNOWN_BILL
 */
export async function explainBill(
  context: Context,
  reference: BillReference,
): Promise<{ bill: BillDocument; records: RecordExplanation[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const bill = await getBill(tx, reference);
    const rates = await findVatRateTable(tx);
    const starts = await findOrderStarts(tx, bill.id);
    const records = bill.records.map((record) => {
      const start = starts.get(record.orderId);
      if (start === undefined) throw new Error(`record ${record.id} has no order`);
      return explainRecord(record, start, rates);
    });
    return { bill, records };
  });
}
