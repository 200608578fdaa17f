import type { Bill } from '../core/bill.ts';
import type { BuyerOnBill, SellerOnBill } from '../core/bill-parties.ts';
import { type BillRecord, NO_PERIOD, recordSeconds, type StoredRecord } from '../core/charge.ts';
import { formatInstant, lastSecondBefore } from '../core/instant.ts';
import { CURRENCY_DECIMALS, type Currency, formatMinor, formatPrice, type Minor } from '../core/money.ts';
import { formatVatPercent, formatVatRate } from '../core/vat.ts';
import type { BillDocument, BillSummary } from '../io/db/bills.ts';
import type { MadeBill, Totals } from '../ops/bill-run.ts';
import { type Cell, type Column, renderTable } from './table.ts';

type Head = Omit<BillSummary, 'userId' | 'id' | 'recordCount'> & { readonly id: number | null };

/** A bill of a list, as `--json` gives it. */
export function billDocument(bill: BillSummary) {
  return { ...headDocument(bill), records: bill.recordCount };
}

/** A bill that a run made, as `--json` gives it. */
export function madeBillDocument({ id, number, username, bill }: MadeBill) {
  return { ...headDocument({ ...bill, id, number, username }), records: bill.records.length };
}

/** A bill with everything that stands on it, as `--json` gives it. */
export function wholeBillDocument(bill: BillDocument) {
  const amount = (minor: Minor) => formatMinor(minor, bill.currency);
  return {
    ...headDocument(bill),
    seller: bill.seller,
    buyer: bill.buyer,
    records: bill.records.map((record) => ({
      id: record.id,
      order_id: record.orderId,
      order_reference: bill.orderReferences.get(record.orderId) ?? null,
      kind: record.kind,
      period_index: record.periodIndex === NO_PERIOD ? null : record.periodIndex,
      period_start: formatInstant(record.start),
      period_end: formatInstant(record.end),
      seconds: recordSeconds(record),
      quantity: record.quantity,
      unit_price: unitPrice(record),
      net: amount(record.net),
      vat_treatment: record.vat.treatment,
      vat_territory: record.vat.territory,
      vat_rate: formatVatRate(record.vat.rate),
      vat_reason: record.vat.reason,
      description: record.description,
      corrects: record.corrects,
    })),
    vat_breakdown: bill.vatGroups.map(({ treatment, territory, rate, base, vat }) => ({
      treatment,
      territory,
      rate: formatVatRate(rate),
      base: amount(base),
      vat: amount(vat),
    })),
  };
}

/** Totals by currency, as `--json` gives them. */
export function totalsDocument(totals: ReadonlyMap<Currency, Totals>) {
  return Object.fromEntries(
    [...totals].map(([currency, sums]) => [currency, amountsDocument(sums, currency)]),
  );
}

/** A table of bills. */
export function billTable(bills: readonly Head[]): string {
  const rows = bills.map((bill): Cell[] => [
    bill.number,
    bill.id,
    bill.username,
    formatInstant(bill.issuedAt),
    bill.kind,
    ...amountCells(bill, bill.currency),
    bill.currency,
  ]);
  const columns = [right('number'), right('id'), left('user'), left('issued'), left('kind')];
  return renderTable([...columns, ...AMOUNTS, left('currency')], rows);
}

/** A table of the bills that a run made. */
export function madeBillTable(bills: readonly MadeBill[]): string {
  return billTable(bills.map(({ bill, ...made }) => ({ ...bill, ...made })));
}

/** A table of totals, a line for each currency. */
export function totalsTable(totals: ReadonlyMap<Currency, Totals>): string {
  const rows = [...totals].map(([currency, sums]) => [currency, ...amountCells(sums, currency)]);
  return renderTable([left('totals'), ...AMOUNTS], rows);
}

/** What stands at the head of a bill. */
export function billFields(bill: BillDocument): Record<string, Cell> {
  const { buyer, seller } = bill;
  return {
    Number: bill.number ?? 'draft',
    Id: bill.id,
    Kind: bill.kind,
    Issued: formatInstant(bill.issuedAt),
    User: bill.username,
    Buyer: place(buyer.organization || buyer.full_name, buyer),
    'Buyer country': buyer.country,
    'Buyer VAT number': buyer.vat_number || null,
    Seller: place(seller.name, seller),
    'Seller country': seller.country,
    'Seller VAT number': seller.vat_number || null,
  };
}

/** The lines of a bill. A period ends with its last second, as people count. */
export function recordTable(bill: BillDocument): string {
  const columns = [
    left('order'),
    left('description'),
    left('from'),
    left('to'),
    right('quantity'),
    right('unit price'),
    right('VAT %'),
    right(`net ${bill.currency}`),
  ];
  const rows = bill.records.map((record): Cell[] => [
    bill.orderReferences.get(record.orderId) ?? record.orderId,
    record.corrects === null ? record.description : `Credit: ${record.description}`,
    formatInstant(record.start),
    record.kind === 'one_time' ? null : formatInstant(lastSecondBefore(record.end)),
    record.quantity,
    unitPrice(record),
    formatVatPercent(record.vat.rate),
    formatMinor(record.net, bill.currency),
  ]);
  return renderTable(columns, rows);
}

/** The VAT groups of a bill, and its total. */
export function vatTable({ vatGroups, ...bill }: Bill): string {
  const amount = (minor: Minor) => formatMinor(minor, bill.currency);
  const rows = vatGroups.map(({ treatment, territory, rate, base, vat }): Cell[] => [
    treatment,
    territory,
    formatVatPercent(rate),
    amount(base),
    amount(vat),
    amount(base + vat),
  ]);
  const columns = [left('VAT'), left('territory'), right('VAT %'), right('net'), right('vat')];
  const total = ['Total', bill.currency, null, ...amountCells(bill, bill.currency)];
  return renderTable([...columns, right('total')], [...rows, total]);
}

/** Why the VAT is as it is: each reason once. */
export function vatReasons(records: readonly StoredRecord[]): string[] {
  return [...new Set(records.map(({ vat }) => vat.reason))];
}

const AMOUNTS: readonly Column[] = [right('net'), right('vat'), right('total')];

function headDocument(bill: Head) {
  return {
    id: bill.id,
    number: bill.number,
    kind: bill.kind,
    username: bill.username,
    currency: bill.currency,
    issued_at: formatInstant(bill.issuedAt),
    ...amountsDocument(bill, bill.currency),
  };
}

function amountsDocument({ net, vat, total }: Totals, currency: Currency) {
  const amount = (minor: Minor) => formatMinor(minor, currency);
  return { net: amount(net), vat: amount(vat), total: amount(total) };
}

function amountCells({ net, vat, total }: Totals, currency: Currency): string[] {
  return [net, vat, total].map((minor) => formatMinor(minor, currency));
}

function unitPrice({ unitPrice: price, currency }: BillRecord): string {
  return formatPrice(price, CURRENCY_DECIMALS[currency]);
}

function place(name: string, { street, postal_code, city }: SellerOnBill | BuyerOnBill): string | null {
  return [name, street, `${postal_code} ${city}`.trim()].filter(Boolean).join(', ') || null;
}

function left(title: string): Column {
  return { title };
}

function right(title: string): Column {
  return { title, align: 'right' };
}
