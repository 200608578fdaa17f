import { amountsJson } from '../core/bill-document.ts';
import { monthsOf, type ReportAmounts, type ReportGroup, type ReportRow } from '../core/bill-report.ts';
import { csvLine, guarded } from '../core/csv-text.ts';
import { type Currency, formatMinor } from '../core/money.ts';
import { sparkline } from '../core/sparkline.ts';
import { formatVatPercent, formatVatRate } from '../core/vat.ts';
import type { BillReport } from '../ops/bill-report.ts';
import { type Cell, type Column, naturalWidth, renderTable, right, terminalWidth } from './table.ts';

const COURSE = 'months';
const MOST_MONTHS = 36;

/** A report, as `--json` gives it. */
export function reportDocument({ rows, totals }: BillReport) {
  return {
    rows: rows.map((row) => ({
      ...groupDocument(row.group),
      ...amountsDocument(row, row.group.currency),
      months: [...row.months].map(([month, amounts]) => ({
        month,
        ...amountsDocument(amounts, row.group.currency),
      })),
    })),
    totals: Object.fromEntries(
      [...totals].map(([currency, sums]) => [
        currency,
        { ...amountsJson(sums, currency), bills: sums.bills },
      ]),
    ),
  };
}

/** A report as CSV: a line for each group. The last line feed is left to what prints it. */
export function reportCsv({ rows }: BillReport): string {
  const records = rows.map(({ group, ...amounts }) => ({
    ...groupDocument(group),
    ...(group.product == null ? {} : { product: guarded(group.product) }),
    ...amountsDocument(amounts, group.currency),
  }));
  const lines = [Object.keys(records[0] ?? {}), ...records.map((record) => Object.values(record))];
  return lines
    .map((cells) => csvLine(cells.map((cell) => cell ?? '')))
    .join('')
    .slice(0, -1);
}

/**
 * A table of a report, with a last line for each currency. Where a terminal has room, each line ends with its net
 * amounts in the last months, drawn.
 */
export function reportTable({ rows, totals }: BillReport, width = terminalWidth()): string {
  const names = Object.keys(rows[0]?.group ?? {}) as (keyof ReportGroup)[];
  const columns: Column[] = [
    ...names.map((name): Column => (name === 'rate' ? right('VAT %') : { title: name })),
    right('net'),
    right('vat'),
    right('total'),
  ];
  const lines = rows.map((row): Cell[] => [
    ...names.map((name) => groupCell(row.group, name)),
    ...Object.values(amountsDocument(row, row.group.currency)),
  ]);
  const sums = [...totals].map(([currency, total]): Cell[] => [
    ...names.map((name, index) => (name === 'currency' ? currency : index === 1 ? 'Total' : null)),
    ...Object.values(amountsJson(total, currency)),
  ]);
  const table = renderTable(columns, [...lines, ...sums], width);
  if (width === undefined || names.includes('month')) return table;
  const taken = naturalWidth([...columns, { title: '' }], [...lines, ...sums]);
  const room = Math.min(width - taken, MOST_MONTHS);
  const months = monthsOf(rows).slice(-Math.max(room, 1));
  if (months.length < 2 || room < COURSE.length) return table;
  const drawn = lines.map((line, index) => [...line, courseOf(rows[index], months)]);
  return renderTable([...columns, { title: COURSE }], [...drawn, ...sums], width);
}

function courseOf(row: ReportRow | undefined, all: readonly string[]): string {
  return sparkline(all.map((month) => row?.months.get(month)?.net ?? 0n));
}

function groupDocument({ rate, ...group }: ReportGroup) {
  return { ...group, ...(rate === undefined ? {} : { rate: formatVatRate(rate) }) };
}

function groupCell(group: ReportGroup, name: keyof ReportGroup): Cell {
  if (name === 'rate') return group.rate === undefined ? null : formatVatPercent(group.rate);
  return group[name] ?? '–';
}

function amountsDocument({ net, vat }: ReportAmounts, currency: Currency) {
  return {
    net: formatMinor(net, currency),
    vat: vat === null ? null : formatMinor(vat, currency),
    total: vat === null ? null : formatMinor(net + vat, currency),
  };
}
