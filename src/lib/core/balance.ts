import { refuse } from './errors.ts';
import { type Day, dayOf, type Instant, isToCome } from './instant.ts';
import { type Currency, formatMinor, type Minor } from './money.ts';
import type { Reference } from './reference.ts';

/** Money that was received for a bill; below zero: given back. */
export interface BillPayment {
  readonly paidOn: Day;
  readonly amount: Minor;
  /** Tells the payments of a bill apart: what the bank calls it, or a person. */
  readonly reference: Reference;
}

/** What was paid for a bill. */
export interface Balance {
  /** Money received less money given back. */
  readonly paid: Minor;
  /** What the buyer owes; below zero, what is owed to the buyer: too much was paid, or the bill is a credit note. */
  readonly open: Minor;
}

interface PayableBill {
  readonly id: number;
  readonly number: number | null;
  readonly currency: Currency;
  readonly total: Minor;
}

/** The balance of a bill for which so much was paid. Nothing is open on a draft. */
export function balanceOf({ number, total }: Pick<PayableBill, 'number' | 'total'>, paid: Minor): Balance {
  return { paid, open: number === null ? 0n : total - paid };
}

/**
 * Checks the day on which money is said to have arrived.
 * @throws PAYMENT_IN_FUTURE
 */
export function checkDayOfPayment(day: Day, now: Instant): void {
  if (isToCome(day, now)) throw refuse.PAYMENT_IN_FUTURE({ day, today: dayOf(now) });
}

/**
 * Checks that a payment can be recorded after others. Nobody gives back more than was received for an invoice, and
 * nobody pays a credit note but takes back what was given for it.
 * @param paid what was paid before
 * @throws BILL_NOT_ISSUED, PAYMENT_NOTHING, PAYMENT_WRONG_WAY
 */
export function checkPayment(bill: PayableBill, paid: Minor, amount: Minor): void {
  const { id, number, currency, total } = bill;
  if (number === null) throw refuse.BILL_NOT_ISSUED({ id });
  if (amount === 0n) throw refuse.PAYMENT_NOTHING({});
  const after = paid + amount;
  const isCreditNote = total < 0n;
  if (isCreditNote ? after <= 0n : after >= 0n) return;
  throw refuse.PAYMENT_WRONG_WAY({
    number,
    isCreditNote,
    paid: formatMinor(paid, currency),
    amount: formatMinor(amount, currency),
    currency,
  });
}

/**
 * Checks that a payment with the reference of a stored one is that one.
 * @throws PAYMENT_DIFFERS
 */
export function checkSamePayment(
  bill: { readonly number: number | null; readonly currency: Currency },
  stored: Pick<BillPayment, 'amount' | 'paidOn'>,
  given: BillPayment,
): void {
  if (stored.amount === given.amount && stored.paidOn === given.paidOn) return;
  const tell = ({ amount, paidOn }: Pick<BillPayment, 'amount' | 'paidOn'>) =>
    `${formatMinor(amount, bill.currency)} ${bill.currency} on ${paidOn}`;
  throw refuse.PAYMENT_DIFFERS({
    number: bill.number ?? 0,
    reference: given.reference,
    stored: tell(stored),
    given: tell(given),
  });
}
