import { billOf, type History, kindOf, type StoredBill, type VatGroup } from './bill.ts';
import {
  checkSnapshot,
  isSettled,
  NO_PERIOD,
  owedAfter,
  owedOnce,
  type StoredRecord,
  standingCharges,
  tariffOf,
} from './charge.ts';
import { UserError } from './errors.ts';
import { dayOf, formatInstant, type Instant } from './instant.ts';
import { formatMinor, isCurrency, type Minor } from './money.ts';
import { checkOrder, effectiveEnd, impliedEnds, type Order } from './order.ts';

/** A disagreement between the stored history and what it should be. */
export interface Fault {
  readonly code: FaultCode;
  /** Number of the bill; null for a draft, or when no single bill is at fault. */
  readonly bill: number | null;
  readonly order: number | null;
  readonly message: string;
}

/** The kinds of faults that `bill verify` can find. */
export type FaultCode =
  | 'BILL_NET'
  | 'BILL_VAT'
  | 'BILL_TOTAL'
  | 'BILL_KIND'
  | 'BILL_CURRENCY'
  | 'BILL_DUE'
  | 'ORDER_CHANGED'
  | 'ORDER_FAULTY'
  | 'RECORD_WITHOUT_ORDER'
  | 'RECORD_NET'
  | 'CHARGED_TWICE'
  | 'CREDIT_OUTSIDE'
  | 'CREDIT_VAT'
  | 'PERIOD_SUM'
  | 'CLOSED_NOT_SETTLED'
  | 'NUMBER_GAP'
  | 'NUMBER_ORDER';

/**
 * Recomputes one user's history. What is merely due by `until` is counted by orders as `pending`; saved
 * times are not believed.
 */
export function verifyHistory(
  { orders, bills }: History,
  until: Instant,
): { faults: Fault[]; pending: number } {
  const faults: Fault[] = [];
  for (const bill of bills) verifyBill(bill, faults);
  const numbers = new Map(bills.flatMap((bill) => bill.records.map(({ id }) => [id, bill.number] as const)));
  const byOrder = Map.groupBy(
    bills.flatMap((bill) => bill.records),
    ({ orderId }) => orderId,
  );
  const implied = impliedEnds(orders);
  let pending = 0;
  for (const order of orders) {
    const records = byOrder.get(order.id) ?? [];
    byOrder.delete(order.id);
    records.sort((a, b) => a.periodIndex - b.periodIndex || a.seq - b.seq);
    const found = faultsOfOrder(order, records);
    for (const { code, message, record } of found) {
      faults.push({
        code,
        message,
        order: order.id,
        bill: record === null ? null : (numbers.get(record) ?? null),
      });
    }
    if (found.length > 0 || order.notForBilling) continue;
    if (isSettled(order, effectiveEnd(order, implied), records, until)) continue;
    if (order.closed) {
      const message = `Order ${order.id} is closed, but what it is charged differs from what is owed.`;
      faults.push({ code: 'CLOSED_NOT_SETTLED', bill: null, order: order.id, message });
    } else {
      pending++;
    }
  }
  for (const [order, [record]] of byOrder) {
    const bill = record === undefined ? null : (numbers.get(record.id) ?? null);
    const message = `There are bill records for order ${order}, which the user does not have.`;
    faults.push({ code: 'RECORD_WITHOUT_ORDER', bill, order, message });
  }
  return { faults, pending };
}

/** Checks that a numbered bill follows on the one before it: the first is 1, no gaps, no earlier issue date. */
export function verifyNumbering(
  previous: { readonly number: number; readonly issuedAt: Instant } | null,
  bill: { readonly number: number; readonly issuedAt: Instant },
): Fault[] {
  const faults: Fault[] = [];
  const expected = (previous?.number ?? 0) + 1;
  if (bill.number !== expected) {
    const message = `Bill ${bill.number} stands where number ${expected} is expected.`;
    faults.push({ code: 'NUMBER_GAP', bill: bill.number, order: null, message });
  }
  if (previous !== null && bill.issuedAt < previous.issuedAt) {
    const message = `Bill ${bill.number} was issued at ${formatInstant(bill.issuedAt)}, before bill ${previous.number}.`;
    faults.push({ code: 'NUMBER_ORDER', bill: bill.number, order: null, message });
  }
  return faults;
}

/** Checks that the counter stands at the highest number given: else a gap or a number that is taken comes next. */
export function verifyCounter(highest: number, counter: number): Fault[] {
  if (counter === highest) return [];
  const message = `The counter of bills stands at ${counter}, but the highest number given is ${highest}.`;
  return [{ code: 'NUMBER_GAP', bill: null, order: null, message }];
}

function verifyBill(bill: StoredBill, faults: Fault[]): void {
  const name = bill.number === null ? `Draft ${bill.id}` : `Bill ${bill.number}`;
  const fault = (code: FaultCode, message: string) =>
    faults.push({ code, bill: bill.number, order: null, message: `${name} ${message}.` });
  if (!isCurrency(bill.currency)) {
    fault('BILL_CURRENCY', `is in ${bill.currency}, which is not a known currency`);
    return;
  }
  const amount = (minor: Minor) => `${formatMinor(minor, bill.currency)} ${bill.currency}`;
  const expected = billOf(bill.currency, bill.records, bill.issuedAt);
  if (bill.records.some(({ currency }) => currency !== bill.currency)) {
    fault('BILL_CURRENCY', `has records of orders in another currency than ${bill.currency}`);
  }
  if (bill.net !== expected.net) {
    fault('BILL_NET', `has a net of ${amount(bill.net)}; its records add up to ${amount(expected.net)}`);
  }
  if (bill.vat !== expected.vat || !sameGroups(bill.vatGroups, expected.vatGroups)) {
    fault('BILL_VAT', `has VAT groups that differ from its records; they give ${amount(expected.vat)}`);
  }
  if (bill.total !== bill.net + bill.vat) {
    fault('BILL_TOTAL', `has a total of ${amount(bill.total)}, which is not its net plus its VAT`);
  }
  if (bill.kind !== kindOf(bill.total)) {
    fault('BILL_KIND', `is called ${bill.kind} with a total of ${amount(bill.total)}`);
  }
  const due = dueFaultOf(bill);
  if (due !== null) fault('BILL_DUE', due);
}

/** Issued bills with something to pay have a day by which to pay it, `dueDayOf`, and others have none. */
function dueFaultOf({ number, total, dueOn, issuedAt }: StoredBill): string | null {
  if (number === null || total <= 0n) {
    return dueOn === null ? null : `has nothing to be paid, but ${dueOn} as the day by which to pay it`;
  }
  if (dueOn === null) return 'has no day by which it is to be paid';
  const issuedOn = dayOf(issuedAt);
  return dueOn < issuedOn ? `is to be paid by ${dueOn}, and was issued on ${issuedOn}` : null;
}

/** A fault of an order, with the id of the record that shows it. */
interface OrderFault {
  readonly code: FaultCode;
  readonly message: string;
  readonly record: number | null;
}

function faultsOfOrder(order: Order, records: readonly StoredRecord[]): OrderFault[] {
  try {
    checkOrder(order);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ code: 'ORDER_FAULTY', message: `Order ${order.id}: ${error.message}`, record: null }];
  }
  for (const record of records) {
    try {
      checkSnapshot(order, record);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ code: 'ORDER_CHANGED', message: error.message, record: record.id }];
    }
  }
  return [...Map.groupBy(records, ({ periodIndex }) => periodIndex)].flatMap(([index, ofPeriod]) =>
    index === NO_PERIOD ? faultsOfOneTime(ofPeriod) : faultsOfPeriod(order, index, ofPeriod),
  );
}

function faultsOfOneTime(records: readonly StoredRecord[]): OrderFault[] {
  const faults: OrderFault[] = [];
  for (const [index, record] of records.entries()) {
    if (index > 0) faults.push(faultOf('CHARGED_TWICE', record, 'charges a one-time price again'));
    const owed = owedOnce(tariffOf(record));
    if (record.net !== owed) faults.push(faultOf('RECORD_NET', record, differs(record, owed)));
  }
  return faults;
}

function faultsOfPeriod(order: Order, index: number, records: readonly StoredRecord[]): OrderFault[] {
  const faults: OrderFault[] = [];
  const start = order.startsAt + index * (order.recurringPeriodSeconds ?? 0);
  let upTo = start;
  for (const [position, record] of records.entries()) {
    const tariff = tariffOf(record);
    const part = owedAfter(tariff, record.end - start) - owedAfter(tariff, record.start - start);
    const owed = record.corrects === null ? part : -part;
    if (record.net !== owed) faults.push(faultOf('RECORD_NET', record, differs(record, owed)));
    if (record.corrects === null) {
      if (record.start < upTo) {
        faults.push(faultOf('CHARGED_TWICE', record, 'charges time that was charged before'));
      }
      upTo = record.end;
      continue;
    }
    upTo = record.start;
    const standing = standingCharges(records.slice(0, position));
    const charge = standing.find(({ record: { id } }) => id === record.corrects);
    if (charge === undefined || record.start < charge.record.start || record.end > charge.end) {
      faults.push(
        faultOf('CREDIT_OUTSIDE', record, `takes back more than record ${record.corrects} charges`),
      );
    } else if (!sameRate(charge.record, record)) {
      faults.push(
        faultOf('CREDIT_VAT', record, `has other VAT than record ${record.corrects}, which it corrects`),
      );
    }
  }
  const [first] = records;
  if (first === undefined || faults.length > 0) return faults;
  const charged = records.reduce((sum, { net }) => sum + net, 0n);
  const amount = (minor: Minor) => formatMinor(minor, first.currency);
  const owed = owedAfter(tariffOf(first), upTo - start);
  if (charged === owed) return faults;
  return [
    faultOf(
      'PERIOD_SUM',
      first,
      `and those after it in period ${index} add up to ${amount(charged)}, not ${amount(owed)}`,
    ),
  ];
}

function faultOf(code: FaultCode, record: StoredRecord, what: string): OrderFault {
  return { code, message: `Record ${record.id} of order ${record.orderId} ${what}.`, record: record.id };
}

function differs({ net, currency }: StoredRecord, owed: Minor): string {
  return `has a net of ${formatMinor(net, currency)}; the formula gives ${formatMinor(owed, currency)}`;
}

function sameRate({ vat: a }: StoredRecord, { vat: b }: StoredRecord): boolean {
  return a.treatment === b.treatment && a.territory === b.territory && a.rate === b.rate;
}

function sameGroups(stored: readonly VatGroup[], expected: readonly VatGroup[]): boolean {
  const text = (groups: readonly VatGroup[]) =>
    groups
      .map(({ treatment, territory, rate, base, vat }) => `${treatment}|${territory}|${rate}|${base}|${vat}`)
      .sort()
      .join('\n');
  return text(stored) === text(expected);
}
