import type { Bill, StoredBill } from './bill.ts';
import type { BuyerOnBill, SellerOnBill } from './bill-parties.ts';
import { type BillRecord, NO_PERIOD, recordSeconds, type StoredRecord } from './charge.ts';
import { formatInstant } from './instant.ts';
import { CURRENCY_DECIMALS, type Currency, formatMinor, formatPrice, type Minor } from './money.ts';
import type { Username } from './user.ts';
import { formatVatRate } from './vat.ts';

/** A bill as a document: everything that stands on it. */
export interface BillDocument extends StoredBill {
  readonly userId: number;
  readonly username: Username;
  readonly seller: SellerOnBill;
  readonly buyer: BuyerOnBill;
  /** By order, where the order has one. */
  readonly orderReferences: ReadonlyMap<number, string>;
  /** The number of the bill on which a record stands that is corrected here, by the id of that record. */
  readonly correctedBills: ReadonlyMap<number, number>;
}

/** What stands at the head of a bill. The id is null as long as it is not stored. */
export interface BillHead
  extends Pick<Bill, 'kind' | 'currency' | 'issuedAt' | 'net' | 'vat' | 'total'>,
    Pick<BillDocument, 'number' | 'dueOn' | 'username'> {
  readonly id: number | null;
}

/** The head of a bill, as JSON has it. */
export function billHeadJson(bill: BillHead) {
  return {
    id: bill.id,
    number: bill.number,
    kind: bill.kind,
    username: bill.username,
    currency: bill.currency,
    issued_at: formatInstant(bill.issuedAt),
    due_on: bill.dueOn,
    ...amountsJson(bill, bill.currency),
  };
}

/** A bill with everything that stands on it, as JSON has it. */
export function billJson(bill: BillDocument) {
  const amount = (minor: Minor) => formatMinor(minor, bill.currency);
  return {
    ...billHeadJson(bill),
    seller: bill.seller,
    buyer: bill.buyer,
    records: bill.records.map((record) => recordJson(bill, record)),
    vat_breakdown: bill.vatGroups.map(({ treatment, territory, rate, base, vat }) => ({
      treatment,
      territory,
      rate: formatVatRate(rate),
      base: amount(base),
      vat: amount(vat),
    })),
  };
}

/** One record of a bill, as JSON has it. */
export function recordJson(bill: BillDocument, record: StoredRecord) {
  return {
    id: record.id,
    order_id: record.orderId,
    order_reference: bill.orderReferences.get(record.orderId) ?? null,
    kind: record.kind,
    period_index: record.periodIndex === NO_PERIOD ? null : record.periodIndex,
    period_start: formatInstant(record.start),
    period_end: formatInstant(record.end),
    seconds: recordSeconds(record),
    quantity: record.quantity,
    unit_price: formatUnitPrice(record),
    net: formatMinor(record.net, bill.currency),
    vat_treatment: record.vat.treatment,
    vat_territory: record.vat.territory,
    vat_rate: formatVatRate(record.vat.rate),
    vat_reason: record.vat.reason,
    description: record.description,
    corrects: record.corrects,
  };
}

/** Net, VAT and total, as JSON has them. */
export function amountsJson({ net, vat, total }: Pick<Bill, 'net' | 'vat' | 'total'>, currency: Currency) {
  const amount = (minor: Minor) => formatMinor(minor, currency);
  return { net: amount(net), vat: amount(vat), total: amount(total) };
}

/** The price of one unit, with at least the decimals of the currency. */
export function formatUnitPrice({ unitPrice, currency }: Pick<BillRecord, 'unitPrice' | 'currency'>): string {
  return formatPrice(unitPrice, CURRENCY_DECIMALS[currency]);
}
