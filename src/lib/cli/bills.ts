import { balanceOf } from '../core/balance.ts';
import type { Bill } from '../core/bill.ts';
import {
  amountsJson,
  type BillDocument,
  type BillHead,
  billHeadJson,
  billJson,
  formatUnitPrice,
} from '../core/bill-document.ts';
import type { BuyerOnBill, SellerOnBill } from '../core/bill-parties.ts';
import type { StoredRecord } from '../core/charge.ts';
import { isOverdue } from '../core/due-day.ts';
import { escapeControl } from '../core/escape-control.ts';
import { type Day, formatInstant, lastSecondBefore } from '../core/instant.ts';
import { type Currency, formatMinor, type Minor } from '../core/money.ts';
import { formatVatPercent } from '../core/vat.ts';
import type { BillSummary } from '../io/db/bills.ts';
import type { StoredPayment } from '../io/db/payments.ts';
import type { MadeBill, Totals } from '../ops/bill-run.ts';
import type { ClosedDraft } from '../ops/drafts.ts';
import { paymentDocument } from './payments.ts';
import { wrapSentences } from './sentence.ts';
import { type Cell, type Column, renderTable, right, terminalWidth, toCode, toDay } from './table.ts';

/** A bill of a list, as `--json` gives it. */
export function billDocument(bill: BillSummary) {
  return { ...billHeadJson(bill), ...balanceJson(bill, bill.paid), records: bill.recordCount };
}

/** A draft that was issued, as `--json` gives it. */
export function closedDraftDocument(bill: ClosedDraft) {
  return { ...billDocument(bill), outdated: bill.outdated };
}

/** A bill with its payments, as `--json` gives it. */
export function paidBillDocument({ payments, ...bill }: PaidBill) {
  return {
    ...billJson(bill),
    ...balanceJson(bill, paidOf(payments)),
    payments: payments.map(paymentDocument),
  };
}

function balanceJson(bill: Pick<BillDocument, 'number' | 'total' | 'currency'>, sum: Minor) {
  const { paid, open } = balanceOf(bill, sum);
  return { paid: formatMinor(paid, bill.currency), open: formatMinor(open, bill.currency) };
}

/** A bill that a run made, as `--json` gives it. */
export function madeBillDocument({ bill, ...made }: MadeBill) {
  return { ...billHeadJson({ ...bill, ...made }), records: bill.records.length };
}

/** Totals by currency, as `--json` gives them. */
export function totalsDocument(totals: ReadonlyMap<Currency, Totals>) {
  return Object.fromEntries([...totals].map(([currency, sums]) => [currency, amountsJson(sums, currency)]));
}

/** A table of bills, with what is open of each. */
export function billTable(bills: readonly BillSummary[]): string {
  const rows = bills.map((bill): Cell[] => [
    ...headCells(bill),
    bill.dueOn,
    bill.kind,
    ...amountCells(bill, bill.currency),
    formatMinor(balanceOf(bill, bill.paid).open, bill.currency),
    bill.currency,
  ]);
  return renderTable([...HEAD, left('due'), KIND, ...AMOUNTS, right('open'), CURRENCY], rows);
}

/** A table of the bills that a run made. */
export function madeBillTable(bills: readonly MadeBill[]): string {
  const rows = bills.map(({ bill, ...made }): Cell[] => [
    ...headCells({ ...bill, ...made }),
    bill.kind,
    ...amountCells(bill, bill.currency),
    bill.currency,
  ]);
  return renderTable([...HEAD, KIND, ...AMOUNTS, CURRENCY], rows);
}

/** A table of totals, a line for each currency. */
export function totalsTable(totals: ReadonlyMap<Currency, Totals>): string {
  const rows = [...totals].map(([currency, sums]) => [currency, ...amountCells(sums, currency)]);
  return renderTable([left('totals'), right('net'), right('vat'), right('total')], rows);
}

/**
 * What to say of bills that are overdue on the day they are issued, as those of old drafts are; null when none is.
 * @param plan whether they are still to be issued, at another instant if need be
 */
export function saidOfOverdue(bills: readonly BillSummary[], today: Day, plan: boolean): string | null {
  const overdue = bills.filter((bill) => isOverdue(bill, today));
  const [first] = overdue.map(({ dueOn }) => dueOn).sort();
  if (first === undefined) return null;
  const fact =
    overdue.length === 1
      ? `a bill is overdue on the day that it is issued: it is due on ${first}.`
      : `${overdue.length} bills are overdue on the day that they are issued: the first is due on ${first}.`;
  return plan ? `${fact} Issue as of today with --at now, or discard and generate anew.` : fact;
}

const MOST_NAMED = 3;

/**
 * What to say of drafts that would come out otherwise by now, with the first of them; null when none would.
 * @param plan whether they are still to be issued: then they can be made anew
 */
export function saidOfOutdated(bills: readonly ClosedDraft[], plan: boolean): string | null {
  const outdated = bills.filter((bill) => bill.outdated);
  if (outdated.length === 0) return null;
  const [one, more] = [outdated.length === 1, outdated.length - MOST_NAMED];
  const names = outdated.slice(0, MOST_NAMED).map(({ id, number }) => number ?? id);
  const those = `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const why = 'orders, VAT or addresses have changed since';
  if (!plan) {
    const fact = one
      ? `bill ${those} is as its draft was made, and would come out otherwise now`
      : `${outdated.length} of ${bills.length} bills are as their drafts were made, and would come out otherwise now: ${those}`;
    return `${fact}; ${why}. The next run bills or credits what orders owe; VAT and addresses stay.`;
  }
  const fact = one
    ? `draft ${those} would come out otherwise now`
    : `${outdated.length} of ${bills.length} drafts would come out otherwise now: ${those}`;
  const discard = `uncloud bill discard ${names.join(' ')}${more > 0 ? ' …' : ''}`;
  return `${fact}; ${why}. Make ${one ? 'it' : 'them'} anew with: ${discard}; then with: uncloud bill generate --draft`;
}

/** What stands at the head of a bill. */
export function billFields(bill: PaidBill): Record<string, Cell> {
  const { buyer, seller } = bill;
  const { paid, open } = balanceOf(bill, paidOf(bill.payments));
  const amount = (minor: Minor) => `${formatMinor(minor, bill.currency)} ${bill.currency}`;
  return {
    Number: bill.number ?? 'draft',
    Id: bill.id,
    Kind: bill.kind,
    Issued: formatInstant(bill.issuedAt),
    Due: bill.dueOn,
    Paid: amount(paid),
    Open: open < 0n ? `${amount(open)}: owed to the buyer` : amount(open),
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
    { title: 'order', yields: true, spare: 1 },
    { title: 'description', yields: true },
    { title: 'from', shorten: toDay },
    { title: 'to', shorten: toDay },
    right('qty'),
    right('unit price'),
    right('VAT %'),
    right(`net ${bill.currency}`),
  ];
  const rows = bill.records.map((record): Cell[] => [
    bill.orderReferences.get(record.orderId) ?? record.orderId,
    record.corrects === null ? record.description : creditText(bill, record.corrects, record.description),
    formatInstant(record.start),
    record.kind === 'one_time' ? null : formatInstant(lastSecondBefore(record.end)),
    record.quantity,
    formatUnitPrice(record),
    formatVatPercent(record.vat.rate),
    formatMinor(record.net, bill.currency),
  ]);
  return renderTable(columns, rows);
}

function creditText({ correctedBills }: BillDocument, corrects: number, description: string): string {
  const number = correctedBills.get(corrects);
  return `${number === undefined ? 'Credit' : `Credit for bill ${number}`}: ${description}`;
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

/** Why the VAT is as it is: each reason once, in sentences that fit the terminal. */
export function vatReasons(records: readonly StoredRecord[], width = terminalWidth()): string {
  const reasons = new Set(records.map(({ vat }) => vat.reason));
  return [...reasons].map((reason) => wrapSentences(escapeControl(reason), width, '  ')).join('\n');
}

const HEAD: readonly Column[] = [
  right('number'),
  { ...right('id'), spare: 3 },
  left('user'),
  { title: 'issued', shorten: toDay },
];
const KIND: Column = { title: 'kind', spare: 4 };
const AMOUNTS: readonly Column[] = [
  { ...right('net'), spare: 2 },
  { ...right('vat'), spare: 1 },
  right('total'),
];
const CURRENCY: Column = { title: 'currency', shorten: toCode };

type PaidBill = BillDocument & { readonly payments: readonly StoredPayment[] };

function paidOf(payments: readonly StoredPayment[]): Minor {
  return payments.reduce((sum, { amount }) => sum + amount, 0n);
}

/** A draft has no number: its id stands there as commands take it. */
function headCells({ number, id, username, issuedAt }: Omit<BillHead, 'dueOn'>): Cell[] {
  return [number ?? (id === null ? null : `id:${id}`), id, username, formatInstant(issuedAt)];
}

function amountCells({ net, vat, total }: Totals, currency: Currency): string[] {
  return [net, vat, total].map((minor) => formatMinor(minor, currency));
}

function place(name: string, { street, postal_code, city }: SellerOnBill | BuyerOnBill): string | null {
  return [name, street, `${postal_code} ${city}`.trim()].filter(Boolean).join(', ') || null;
}

function left(title: string): Column {
  return { title };
}
