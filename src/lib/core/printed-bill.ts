import { type BillDocument, formatUnitPrice } from './bill-document.ts';
import { BILL_WORDS, type BillWords } from './bill-words.ts';
import { periodShareOf, type StoredRecord } from './charge.ts';
import { formatIban } from './iban.ts';
import {
  type Day,
  dayOf,
  formatInstant,
  type Instant,
  lastSecondBefore,
  SECONDS_PER_DAY,
} from './instant.ts';
import { formatMinor, type Minor } from './money.ts';
import { LARGEST_SLIP_AMOUNT, type PaymentPart, paymentPartOf } from './payment-part.ts';
import { formatReference, paymentReference } from './payment-reference.ts';
import { PERIODS, periodName } from './period.ts';
import { LANGUAGES, type Language } from './user.ts';
import { formatVatPercent } from './vat.ts';

/** A bill in the words and figures that are printed; where they stand is the printer's business. */
export interface PrintedBill {
  readonly language: Language;
  readonly words: BillWords;
  /** `Invoice 12`. */
  readonly title: string;
  readonly issuedAt: Instant;
  /** The name first. */
  readonly seller: readonly string[];
  readonly buyer: readonly string[];
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly amountTitle: string;
  readonly lines: readonly PrintedLine[];
  /** Net, and the VAT of each group. */
  readonly sums: readonly PrintedSum[];
  readonly total: PrintedSum;
  readonly notes: readonly string[];
  /** What the Swiss payment part says; null when there is none. */
  readonly payment: PaymentPart | null;
}

/** A line of the table: what a bill record says, in words. */
export interface PrintedLine {
  readonly description: string;
  readonly details: string;
  readonly quantity: string;
  readonly unitPrice: string;
  /** What the unit price is for: `per 30 days`. */
  readonly per: string;
  readonly vat: string;
  readonly amount: string;
}

/** A line below the table. */
export interface PrintedSum {
  readonly label: string;
  readonly amount: string;
}

/** Puts a bill into words, in the language that the buyer had when it was made. */
export function printedBill(bill: BillDocument): PrintedBill {
  const { buyer, seller, currency } = bill;
  const language = LANGUAGES.find((known) => known === buyer.language) ?? 'en';
  const words = BILL_WORDS[language];
  const amount = (minor: Minor) => grouped(formatMinor(minor, currency));
  const issued = dayOf(bill.issuedAt);
  const due = bill.dueOn === null ? null : writeDay(bill.dueOn, words);
  const kind = bill.kind === 'invoice' ? words.invoice : words.creditNote;
  const abroad = buyer.country !== seller.country;
  return {
    language,
    words,
    title: bill.number === null ? words.draft : `${kind} ${bill.number}`,
    issuedAt: bill.issuedAt,
    seller: present([
      seller.name,
      seller.street,
      `${seller.postal_code} ${seller.city}`,
      countryName(seller.country, language),
      seller.vat_number && `${words.vatNumber} ${seller.vat_number}`,
    ]),
    buyer: present([
      buyer.organization,
      buyer.full_name || (buyer.organization ? '' : buyer.username),
      buyer.street,
      `${buyer.postal_code} ${buyer.city}`,
      abroad ? countryName(buyer.country, language) : '',
    ]),
    facts: [
      ...(bill.number === null ? [] : [[words.number, String(bill.number)] as const]),
      [words.date, writeDay(issued, words)],
      ...(due === null ? [] : [[words.dueDate, due] as const]),
      [words.customer, buyer.username],
      ...(buyer.vat_number === '' ? [] : [[words.yourVatNumber, buyer.vat_number] as const]),
    ],
    amountTitle: `${words.amount} ${currency}`,
    lines: bill.records.map((record) => printedLine(bill, record, words)),
    sums: [
      { label: words.net, amount: amount(bill.net) },
      ...bill.vatGroups.map(({ treatment, territory, rate, base, vat }) => ({
        label: `${taxName(treatment, words)} ${formatVatPercent(rate)} % (${territory}) ${words.on(amount(base))}`,
        amount: amount(vat),
      })),
    ],
    total: { label: `${words.total} ${currency}`, amount: amount(bill.total) },
    notes: notesOf(bill, words, due),
    payment: paymentPartOf(bill),
  };
}

/** What is said below the total. */
function notesOf(bill: BillDocument, words: BillWords, due: string | null): string[] {
  const { number, currency, total, seller } = bill;
  const treatments = new Set(bill.vatGroups.map(({ treatment }) => treatment));
  const amount = `${currency} ${grouped(formatMinor(total, currency))}`;
  const isTooMuchForSlip =
    total > LARGEST_SLIP_AMOUNT && paymentPartOf({ ...bill, total: LARGEST_SLIP_AMOUNT }) !== null;
  const account = (issued: number) =>
    words.account(formatIban(seller.iban), formatReference(paymentReference(seller.iban, issued)));
  return present([
    treatments.has('reverse_charge') ? words.reverseChargeNote : '',
    treatments.has('outside') ? words.outsideNote : '',
    due === null ? '' : words.payable(amount, due),
    due === null || seller.iban === '' || number === null ? '' : account(number),
    isTooMuchForSlip ? words.tooMuchForSlip : '',
    bill.kind === 'credit_note' && number !== null ? words.nothingToPay : '',
  ]);
}

function printedLine(bill: BillDocument, record: StoredRecord, words: BillWords): PrintedLine {
  const corrected = record.corrects === null ? undefined : bill.correctedBills.get(record.corrects);
  const reference = bill.orderReferences.get(record.orderId);
  return {
    description: record.corrects === null ? record.description : `${words.credit}: ${record.description}`,
    details: present([
      timeOf(record, words),
      shareOf(record, words),
      corrected === undefined ? '' : words.corrects(corrected),
      reference === undefined ? '' : words.order(reference),
    ]).join(' · '),
    quantity: grouped(String(record.quantity)),
    unitPrice: grouped(formatUnitPrice(record)),
    per: perOf(record, words),
    vat: `${formatVatPercent(record.vat.rate)} %`,
    amount: grouped(formatMinor(record.net, bill.currency)),
  };
}

/** The first and the last day of what is charged; the time of day of what is shorter than a day. */
function timeOf({ kind, start, end }: StoredRecord, words: BillWords): string {
  const first = writeDay(dayOf(start), words);
  if (kind === 'one_time') return first;
  const last = writeDay(dayOf(lastSecondBefore(end)), words);
  if (end - start < SECONDS_PER_DAY) {
    const until = writeTime(end);
    return first === last
      ? `${first}, ${writeTime(start)} – ${until} UTC`
      : `${first}, ${writeTime(start)} – ${last}, ${until} UTC`;
  }
  return first === last ? first : `${first} – ${last}`;
}

/** `14:00`; with seconds where there are some. */
function writeTime(at: Instant): string {
  return formatInstant(at).slice(11, 19).replace(/:00$/, '');
}

/** How much of its period a record is for, when it is a part: the amount is that part of quantity × unit price. */
function shareOf(record: StoredRecord, words: BillWords): string {
  const share = periodShareOf(record);
  if (share === null) return '';
  return words.part(grouped(String(share.part)), grouped(String(share.whole)), share.unit);
}

function perOf({ periodSeconds }: StoredRecord, words: BillWords): string {
  const seconds = periodSeconds ?? 0;
  const named = words.periods[periodName(seconds)];
  if (named !== undefined) return named;
  const every = (length: number, unit: Parameters<BillWords['every']>[1]) =>
    words.every(grouped(String(seconds / length)), unit);
  if (seconds % SECONDS_PER_DAY === 0) return every(SECONDS_PER_DAY, 'days');
  return seconds % PERIODS.hour === 0 ? every(PERIODS.hour, 'hours') : every(1, 'seconds');
}

function taxName(treatment: BillDocument['vatGroups'][number]['treatment'], words: BillWords): string {
  if (treatment === 'reverse_charge') return `${words.reverseCharge}, ${words.vat}`;
  return treatment === 'outside' ? `${words.outside}, ${words.vat}` : words.vat;
}

/** `31 Jan 2025` where months have names, else `31.01.2025`. */
function writeDay(day: Day, { months }: BillWords): string {
  const [year = '', month = '', date = ''] = day.split('-');
  const name = months?.[Number(month) - 1];
  return name === undefined ? `${date}.${month}.${year}` : `${Number(date)} ${name} ${year}`;
}

/**
 * A number with thousands apart by a no-break space, since point and comma mean the opposite in English and German
 * (ISO 80000-1, 7.3), and with a minus sign that is no hyphen.
 */
function grouped(decimal: string): string {
  const [whole = '', fraction] = decimal.replace('-', '−').split('.');
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

const REGION_NAMES = new Map<Language, Intl.DisplayNames>();

/** The name of a country. What knows the names is made once: that takes as long as the rest of a bill. */
function countryName(code: string, language: Language): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  const names = REGION_NAMES.get(language) ?? new Intl.DisplayNames([language], { type: 'region' });
  REGION_NAMES.set(language, names);
  return names.of(code) ?? code;
}

function present(texts: readonly string[]): string[] {
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}
