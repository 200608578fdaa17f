import type { Transaction } from 'kysely';
import { formatBillReference } from '../../core/bill-reference.ts';
import { type DraftSelection, isNamed } from '../../core/bill-selection.ts';
import type { StoredParties } from '../../core/draft.ts';
import { refuse } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import { type BillSummary, findBills } from './bills.ts';
import { isAmong } from './bulk.ts';
import { findUserId } from './people.ts';
import type { Schema } from './schema.ts';

/**
 * The drafts of a selection, each once, by issue instant.
 * @throws UNKNOWN_BILL, BILL_ISSUED, UNKNOWN_USER
 */
export async function findDrafts(tx: Transaction<Schema>, selection: DraftSelection): Promise<BillSummary[]> {
  if (!isNamed(selection)) {
    if (selection.username !== undefined) await findUserId(tx, selection.username);
    return findBills(tx, { ...selection, drafts: true });
  }
  const bills = await findBills(tx, { ids: selection });
  const numbers = new Map(bills.map(({ id, number }) => [id, number]));
  for (const id of selection) {
    const number = numbers.get(id);
    if (number === undefined) throw refuse.UNKNOWN_BILL({ bill: formatBillReference({ id }) });
    if (number !== null) throw refuse.BILL_ISSUED({ id, number });
  }
  return bills;
}

/** What stands on drafts about their parties, by draft. */
export async function findDraftParties(
  tx: Transaction<Schema>,
  ids: readonly number[],
): Promise<Map<number, StoredParties>> {
  const rows = await tx
    .selectFrom('bills')
    .select(['id', 'seller', 'buyer'])
    .where(isAmong(tx, 'id', ids))
    .execute();
  return new Map(rows.map(({ id, seller, buyer }) => [id, { seller, buyer }]));
}

/** Gives drafts another issue instant. */
export async function saveIssueDate(
  tx: Transaction<Schema>,
  drafts: readonly BillSummary[],
  at: Instant,
): Promise<void> {
  const ids = drafts.map(({ id }) => id);
  await tx
    .updateTable('bills')
    .set({ issued_at: at })
    .where(isAmong(tx, 'id', ids))
    .execute();
}

/** Deletes drafts with their records and VAT groups. */
export async function removeDrafts(tx: Transaction<Schema>, drafts: readonly BillSummary[]): Promise<void> {
  const ids = drafts.map(({ id }) => id);
  if (ids.length === 0) return;
  for (const table of ['bill_vats', 'bill_records'] as const) {
    await tx
      .deleteFrom(table)
      .where(isAmong(tx, 'bill_id', ids))
      .execute();
  }
  await tx
    .deleteFrom('bills')
    .where(isAmong(tx, 'id', ids))
    .execute();
}
