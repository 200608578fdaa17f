import { refuse } from './errors.ts';
import type { Day } from './instant.ts';
import {
  CURRENCY_DECIMALS,
  type Currency,
  formatDecimal,
  isCurrency,
  LARGEST_AMOUNT,
  type Minor,
} from './money.ts';
import { billNumberOf } from './payment-reference.ts';
import { parseReference, type Reference } from './reference.ts';

/** An amount in a bank statement, in hundred-thousandths: ISO 20022 allows five decimals in any currency. */
export type StatementAmount = bigint & { readonly unit: 'hundred-thousandths' };

const DECIMALS = 5;

/** One entry of a bank statement (camt.053, Ntry): a booking on the account. */
export interface StatementEntry {
  /** Where it starts in the file. */
  readonly line: number;
  /** The account, as the bank names it. */
  readonly account: string;
  readonly day: Day;
  readonly amount: StatementAmount;
  readonly currency: string;
  readonly isCredit: boolean;
  /** It takes back an earlier entry of the opposite direction. */
  readonly isReversal: boolean;
  readonly isBooked: boolean;
  /** Charges of the bank stand in it: then the details need not add up to the amount. */
  readonly hasCharges: boolean;
  /** The bank's own name for it. */
  readonly bankReference: string | null;
  /** The transactions that are booked together; none when the bank does not tell. */
  readonly details: readonly EntryDetail[];
}

/** One transaction of an entry (camt.053, TxDtls). */
export interface EntryDetail {
  readonly line: number;
  /** Null when the bank does not tell, which it need not of a single transaction. */
  readonly amount: StatementAmount | null;
  readonly currency: string | null;
  readonly isCredit: boolean | null;
  readonly bankReference: string | null;
  readonly endToEndId: string | null;
  /** References for the creditor in structured form; text in free form is not looked at. */
  readonly creditorReferences: readonly string[];
  readonly payer: string | null;
}

/** Money received, or taken back from us, according to a statement. */
export interface Receipt {
  readonly line: number;
  readonly day: Day;
  /** Below zero: a credit that the bank took back. */
  readonly amount: StatementAmount;
  readonly currency: string;
  /** The same in every statement that shows it. */
  readonly reference: Reference;
  readonly creditorReferences: readonly string[];
  readonly endToEndId: string | null;
  readonly payer: string | null;
  /** Whether the transactions of its entry add up to what was booked. */
  readonly isClear: boolean;
}

/** Reads an amount as ISO 20022 writes it; null when it is none. */
export function parseStatementAmount(text: string): StatementAmount | null {
  const match = /^(\d{1,18})(?:\.(\d{0,5}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = ''] = match;
  return BigInt(whole + fraction.padEnd(DECIMALS, '0')) as StatementAmount;
}

/** Writes an amount with the decimals of its currency, and more where it has more. */
export function formatStatementAmount(amount: StatementAmount, currency: string): string {
  return formatDecimal(amount, DECIMALS, isCurrency(currency) ? CURRENCY_DECIMALS[currency] : 2);
}

/**
 * What an entry says about money received: one receipt for each of its transactions that is a credit, or that takes
 * a credit back. None for debits, for debits taken back and for what is not booked yet.
 * @param countOf how many receipts of this text came before in the file, for entries that the bank gave no name
 * @throws INVALID_TEXT for a name that is no reference
 */
export function receiptsOf(entry: StatementEntry, countOf: (text: string) => number): Receipt[] {
  const { isBooked, isReversal } = entry;
  if (!isBooked || entry.isCredit === isReversal) return [];
  const details = entry.details.length === 0 ? [detailOf(entry)] : entry.details;
  const signed = details.map((detail) => signedAmount(entry, detail, details.length === 1));
  const booked = entry.isCredit ? entry.amount : -entry.amount;
  const sum = signed.reduce<bigint | null>(
    (total, amount) => (total === null || amount === null ? null : total + amount),
    0n,
  );
  if (sum === null || (sum !== booked && !entry.hasCharges)) {
    const whole = { ...detailOf(entry), creditorReferences: [] };
    return [receiptOf(entry, whole, booked as StatementAmount, entry.bankReference, false, countOf)];
  }
  const names = namesOf(entry, details);
  return details.flatMap((detail, index) => {
    const amount = signed[index] ?? null;
    const isReceived = amount !== null && amount !== 0n && amount > 0n !== isReversal;
    return isReceived ? [receiptOf(entry, detail, amount, names[index] ?? null, true, countOf)] : [];
  });
}

/**
 * The number of the bill for which a receipt is meant.
 * @throws STATEMENT_DETAILS, PAYMENT_WITHOUT_REFERENCE, SEVERAL_REFERENCES, FOREIGN_REFERENCE
 */
export function billNumberFor({ isClear, creditorReferences }: Receipt): number {
  if (!isClear) throw refuse.STATEMENT_DETAILS({});
  const references = new Set(creditorReferences);
  const [reference] = references;
  if (reference === undefined) throw refuse.PAYMENT_WITHOUT_REFERENCE({});
  if (references.size > 1) throw refuse.SEVERAL_REFERENCES({ references: [...references] });
  const number = billNumberOf(reference);
  if (number === null) throw refuse.FOREIGN_REFERENCE({ reference });
  return number;
}

/**
 * The amount of a receipt in the smallest unit of the bill's currency.
 * @throws PAYMENT_CURRENCY, INVALID_AMOUNT, PAYMENT_TOO_LARGE
 */
export function minorOfReceipt(
  { amount, currency }: Receipt,
  bill: { number: number; currency: string },
): Minor {
  if (currency !== bill.currency || !isCurrency(currency)) {
    throw refuse.PAYMENT_CURRENCY({ number: bill.number, currency: bill.currency, other: currency });
  }
  const decimals = CURRENCY_DECIMALS[currency];
  const unit = unitOf(currency);
  if (amount % unit !== 0n) {
    throw refuse.INVALID_AMOUNT({ amount: formatStatementAmount(amount, currency), currency, decimals });
  }
  const minor = amount / unit;
  if (minor > LARGEST_AMOUNT || minor < -LARGEST_AMOUNT) {
    throw refuse.PAYMENT_TOO_LARGE({ amount: formatStatementAmount(amount, currency), currency });
  }
  return minor;
}

/** Whether payments that were recorded under the name of a receipt, for whichever bills, add up to it. */
export function isRecordedAs(
  { amount, currency }: Receipt,
  payments: readonly { readonly amount: Minor; readonly currency: string }[],
): boolean {
  if (payments.length === 0 || !isCurrency(currency)) return false;
  const unit = unitOf(currency);
  const recorded = payments.reduce((sum, payment) => sum + payment.amount * unit, 0n);
  return recorded === amount && payments.every((payment) => payment.currency === currency);
}

/** The smallest unit of a currency in hundred-thousandths. */
function unitOf(currency: Currency): bigint {
  return 10n ** BigInt(DECIMALS - CURRENCY_DECIMALS[currency]);
}

/** A detail of an entry that says nothing. */
export const NO_DETAIL: Omit<EntryDetail, 'line'> = {
  amount: null,
  currency: null,
  isCredit: null,
  bankReference: null,
  endToEndId: null,
  creditorReferences: [],
  payer: null,
};

/** What stands in the place of the details of an entry that has none. */
function detailOf({ line, amount, currency }: StatementEntry): EntryDetail {
  return { ...NO_DETAIL, line, amount, currency };
}

function signedAmount(entry: StatementEntry, detail: EntryDetail, isOnly: boolean): StatementAmount | null {
  const isForeign = detail.amount === null || detail.currency !== entry.currency;
  if (isForeign && !isOnly) return null;
  const amount = isForeign ? entry.amount : (detail.amount ?? entry.amount);
  return ((detail.isCredit ?? entry.isCredit) ? amount : -amount) as StatementAmount;
}

/** The bank's names of the transactions; those that share one are numbered. */
function namesOf(entry: StatementEntry, details: readonly EntryDetail[]): (string | null)[] {
  const names = details.map(({ bankReference }) => bankReference ?? entry.bankReference);
  const counts = new Map<string | null, number>();
  const places = names.map((name) => {
    const place = (counts.get(name) ?? 0) + 1;
    counts.set(name, place);
    return place;
  });
  return names.map((name, index) =>
    name === null || counts.get(name) === 1 ? name : `${name}/${places[index]}`,
  );
}

function receiptOf(
  entry: StatementEntry,
  detail: EntryDetail,
  amount: StatementAmount,
  name: string | null,
  isClear: boolean,
  countOf: (text: string) => number,
): Receipt {
  const { day, currency } = entry;
  const { line, creditorReferences, endToEndId, payer } = detail;
  const named = name === null ? describe(entry, detail, amount) : name;
  const repeated = name === null ? countOf(named) : 0;
  const text = repeated === 0 ? named : `${named} #${repeated + 1}`;
  const reference = parseReference(entry.isReversal ? `${text} reversed` : text);
  return { line, day, amount, currency, reference, creditorReferences, endToEndId, payer, isClear };
}

/** Of a name that is made, in characters: what tells equal ones apart has to find room in a reference too. */
const LONGEST_MADE_NAME = 135;

/** A name for what the bank gave none. */
function describe({ account, day, currency }: StatementEntry, detail: EntryDetail, amount: StatementAmount) {
  const parts = [account, day, formatStatementAmount(amount, currency), currency];
  const text = [...parts, ...detail.creditorReferences, detail.endToEndId]
    .filter((part) => part !== null)
    .join(' ');
  return [...text].slice(0, LONGEST_MADE_NAME).join('').trimEnd();
}
