import { type ReportKey, type ReportRow, reportRows } from '../core/bill-report.ts';
import { checkRange, type Instant, type Range } from '../core/instant.ts';
import type { Currency, Minor } from '../core/money.ts';
import { sumBills, sumTotals } from '../io/db/bill-report.ts';
import type { Context } from './context.ts';

/** Sums of bills. */
export interface BillReport {
  readonly rows: readonly ReportRow[];
  /** By currency, from the totals of the bills themselves. */
  readonly totals: ReadonlyMap<
    Currency,
    { readonly net: Minor; readonly vat: Minor; readonly total: Minor; readonly bills: number }
  >;
}

/**
 * Adds up the bills that were issued in a range of time, drafts left out, from one snapshot.
 * @throws RANGE_EMPTY
 */
export async function reportBills(
  context: Context,
  keys: ReadonlySet<ReportKey>,
  range: Range<Instant> = {},
): Promise<BillReport> {
  checkRange(range);
  const database = await context.db();
  return database.read(async (tx) => ({
    rows: reportRows(await sumBills(tx, keys, range)),
    totals: await sumTotals(tx, range),
  }));
}
