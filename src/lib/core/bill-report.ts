import { compareText } from './compare-text.ts';
import type { Currency, Minor } from './money.ts';
import type { Territory, VatRate, VatTreatment } from './vat.ts';

/** What the sums of a report can be told apart by; the currency always does. */
export const REPORT_KEYS = ['month', 'product', 'vat', 'territory'] as const;
export type ReportKey = (typeof REPORT_KEYS)[number];

/** What a sum is of; fields of keys that were not asked for are absent. */
export interface ReportGroup {
  readonly currency: Currency;
  /** `2026-01`: of the issue, UTC. */
  readonly month?: string;
  /** Null: orders without a product. */
  readonly product?: string | null;
  readonly treatment?: VatTreatment;
  readonly territory?: Territory;
  readonly rate?: VatRate;
}

/**
 * The VAT is null in a report by product: it is computed for VAT groups of whole bills, not for what stands in them.
 */
export interface ReportAmounts {
  readonly net: Minor;
  readonly vat: Minor | null;
}

/** The sum of one group in one month, as the database adds it up. */
export interface MonthlySum extends ReportAmounts {
  readonly group: ReportGroup;
  readonly month: string;
}

/** A line of a report, with its sums by month. */
export interface ReportRow extends ReportAmounts {
  readonly group: ReportGroup;
  readonly months: ReadonlyMap<string, ReportAmounts>;
}

/** Adds the sums of the months up, by groups: currency, month, product, VAT treatment, territory, rate. */
export function reportRows(sums: readonly MonthlySum[]): ReportRow[] {
  const byGroup = Map.groupBy(sums, ({ group }) => JSON.stringify(group));
  const rows = [...byGroup.values()].flatMap((ofGroup): ReportRow[] => {
    const inOrder = ofGroup.toSorted((a, b) => compareText(a.month, b.month));
    const [first] = inOrder;
    if (first === undefined) return [];
    const months = new Map(inOrder.map(({ month, net, vat }) => [month, { net, vat }] as const));
    return [{ group: first.group, months, ...inOrder.reduce<ReportAmounts>(add, NOTHING) }];
  });
  return rows.sort((a, b) => compareGroups(a.group, b.group));
}

/** All months from the first to the last of a report. */
export function monthsOf(rows: readonly ReportRow[]): string[] {
  const named = rows.flatMap(({ months }) => [...months.keys()]).sort();
  const [first, last] = [named[0], named.at(-1)];
  if (first === undefined || last === undefined) return [];
  const months: string[] = [];
  for (let month = first; month <= last; month = nextMonth(month)) months.push(month);
  return months;
}

const NOTHING: ReportAmounts = { net: 0n, vat: 0n };

function compareGroups(a: ReportGroup, b: ReportGroup): number {
  return (
    compareText(a.currency, b.currency) ||
    compareText(a.month ?? '', b.month ?? '') ||
    Number(a.product === null) - Number(b.product === null) ||
    compareText(a.product ?? '', b.product ?? '') ||
    compareText(a.treatment ?? '', b.treatment ?? '') ||
    compareText(a.territory ?? '', b.territory ?? '') ||
    (a.rate ?? 0) - (b.rate ?? 0)
  );
}

function add(sum: ReportAmounts, { net, vat }: ReportAmounts): ReportAmounts {
  return { net: sum.net + net, vat: sum.vat === null || vat === null ? null : sum.vat + vat };
}

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12
    ? `${String(year + 1).padStart(4, '0')}-01`
    : `${month.slice(0, 5)}${String(number + 1).padStart(2, '0')}`;
}
