import type { Language } from './user.ts';

/** The words on a printed bill. */
export interface BillWords {
  readonly invoice: string;
  readonly creditNote: string;
  readonly draft: string;
  readonly number: string;
  readonly date: string;
  readonly dueDate: string;
  readonly customer: string;
  readonly yourVatNumber: string;
  readonly vatNumber: string;
  readonly description: string;
  readonly quantity: string;
  readonly unitPrice: string;
  readonly vat: string;
  readonly amount: string;
  readonly credit: string;
  readonly net: string;
  readonly total: string;
  readonly reverseCharge: string;
  readonly outside: string;
  readonly reverseChargeNote: string;
  readonly outsideNote: string;
  readonly nothingToPay: string;
  readonly tooMuchForSlip: string;
  readonly unprintable: string;
  readonly months: readonly string[] | null;
  readonly periods: Readonly<Record<string, string>>;
  corrects(number: number): string;
  order(reference: string): string;
  part(count: string, whole: string, unit: 'days' | 'seconds'): string;
  every(count: string, unit: 'days' | 'hours' | 'seconds'): string;
  on(base: string): string;
  payable(amount: string, day: string): string;
  account(iban: string, reference: string): string;
  page(number: number, of: number): string;
}

/** The words of bills in each language that a user can have. */
export const BILL_WORDS: Readonly<Record<Language, BillWords>> = {
  en: {
    invoice: 'Invoice',
    creditNote: 'Credit note',
    draft: 'Draft, not an invoice',
    number: 'Number',
    date: 'Date',
    dueDate: 'Due date',
    customer: 'Customer',
    yourVatNumber: 'Your VAT number',
    vatNumber: 'VAT number',
    description: 'Description',
    quantity: 'Quantity',
    unitPrice: 'Unit price',
    vat: 'VAT',
    amount: 'Amount',
    credit: 'Credit',
    net: 'Net',
    total: 'Total',
    reverseCharge: 'Reverse charge',
    outside: 'Not subject to VAT',
    reverseChargeNote:
      'Reverse charge: the customer is liable for the VAT (Directive 2006/112/EC Art. 44 and 196).',
    outsideNote: 'Not subject to VAT: the place of supply is where the customer is, abroad.',
    nothingToPay: 'Nothing is to be paid: the amount is in your favour.',
    tooMuchForSlip:
      'There is no payment slip: it holds at most 999\u00a0999\u00a0999.99. Please make a bank transfer.',
    unprintable: '□ stands for a character that cannot be printed here.',
    months: 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' '),
    periods: {
      '365d': 'per 365 days',
      '30d': 'per 30 days',
      week: 'per week',
      day: 'per day',
      hour: 'per hour',
      minute: 'per minute',
      second: 'per second',
      once: 'once',
    },
    corrects: (number) => `corrects invoice\u00a0${number}`,
    order: (reference) => `order ${reference}`,
    part: (count, whole, unit) => `${count} of ${whole} ${unit}`,
    every: (count, unit) => `per ${count} ${unit}`,
    on: (base) => `on ${base}`,
    payable: (amount, day) => `Please pay ${amount} by ${day}.`,
    account: (iban, reference) => `IBAN ${iban}, reference ${reference}`,
    page: (number, of) => `Page ${number} of ${of}`,
  },
  de: {
    invoice: 'Rechnung',
    creditNote: 'Gutschrift',
    draft: 'Entwurf, keine Rechnung',
    number: 'Nummer',
    date: 'Datum',
    dueDate: 'Zahlbar bis',
    customer: 'Kunde',
    yourVatNumber: 'Ihre USt-IdNr.',
    vatNumber: 'MWST/USt-IdNr.',
    description: 'Beschreibung',
    quantity: 'Menge',
    unitPrice: 'Einzelpreis',
    vat: 'MWST',
    amount: 'Betrag',
    credit: 'Gutschrift',
    net: 'Netto',
    total: 'Total',
    reverseCharge: 'Reverse charge',
    outside: 'Nicht steuerbar',
    reverseChargeNote:
      'Reverse charge: Steuerschuldnerschaft des Leistungsempfängers (Richtlinie 2006/112/EG Art. 44 und 196).',
    outsideNote: 'Nicht steuerbar: Der Ort der Leistung liegt beim Empfänger im Ausland.',
    nothingToPay: 'Es ist nichts zu zahlen: Der Betrag ist zu Ihren Gunsten.',
    tooMuchForSlip:
      'Ein Zahlteil fehlt, da er höchstens 999\u00a0999\u00a0999.99 fasst. Bitte überweisen Sie den Betrag.',
    unprintable: '□ steht für ein Zeichen, das hier nicht gedruckt werden kann.',
    months: null,
    periods: {
      '365d': 'pro 365 Tage',
      '30d': 'pro 30 Tage',
      week: 'pro Woche',
      day: 'pro Tag',
      hour: 'pro Stunde',
      minute: 'pro Minute',
      second: 'pro Sekunde',
      once: 'einmalig',
    },
    corrects: (number) => `berichtigt Rechnung\u00a0${number}`,
    order: (reference) => `Bestellung ${reference}`,
    part: (count, whole, unit) => `${count} von ${whole} ${unit === 'days' ? 'Tagen' : 'Sekunden'}`,
    every: (count, unit) => `pro ${count} ${{ days: 'Tage', hours: 'Stunden', seconds: 'Sekunden' }[unit]}`,
    on: (base) => `auf ${base}`,
    payable: (amount, day) => `Bitte zahlen Sie ${amount} bis zum ${day}.`,
    account: (iban, reference) => `IBAN ${iban}, Referenz ${reference}`,
    page: (number, of) => `Seite ${number} von ${of}`,
  },
};
