import { type BillDocument, formatUnitPrice } from './bill-document.ts';
import { type BuyerOnBill, buyerName, type SellerOnBill } from './bill-parties.ts';
import { periodShareOf, type StoredRecord } from './charge.ts';
import { isCountry, parseCountry } from './country.ts';
import { type ElectronicAddress, electronicAddressOf } from './electronic-address.ts';
import { refuse } from './errors.ts';
import { dayOf, type Instant, instant, lastSecondBefore } from './instant.ts';
import { CURRENCY_DECIMALS, formatMinor, type Minor, magnitude } from './money.ts';
import { paymentReference } from './payment-reference.ts';
import { type PrintedBill, type PrintedLine, printedBill } from './printed-bill.ts';
import { formatVatPercent, type VatRate, type VatTreatment } from './vat.ts';
import { compactVatNumber } from './vat-number.ts';
import { leaf, leafIfAny, parent, writeXml, type XmlElement } from './xml.ts';

const NAMESPACES = {
  'xmlns:cac': 'urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2',
  'xmlns:cbc': 'urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2',
};

/** What differs between the two documents: names of UBL 2.1, and the type (UNTDID 1001). */
const DOCUMENTS = {
  invoice: { name: 'Invoice', type: '380', quantity: 'cbc:InvoicedQuantity' },
  credit_note: { name: 'CreditNote', type: '381', quantity: 'cbc:CreditedQuantity' },
} as const;

const EN_16931 = 'urn:cen.eu:en16931:2017';
const PEPPOL = `${EN_16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0`;
const PEPPOL_BILLING = 'urn:fdc:peppol.eu:2017:poacc:billing:01:1.0';

/**
 * Sellers there have to give Peppol more than is known of a provider, such as a telephone number or a number in a
 * register of companies (Peppol BIS Billing 3.0, national rules). EL and GR are Greece.
 */
const WITH_NATIONAL_RULES = /^(DE|DK|EL|GR|IS|IT|NL|NO|SE)/;

/** The category of VAT (UNTDID 5305): standard rate, zero rate, exempt, reverse charge, outside of the scope. */
type Category = 'S' | 'Z' | 'E' | 'AE' | 'O';

/** A bill that is about to be written, with what its parts ask for again and again. */
interface Draft {
  readonly bill: BillDocument;
  readonly number: number;
  readonly printed: PrintedBill;
  /** −1 in a credit note, where what the buyer gets back is positive. */
  readonly sign: bigint;
  /** Nothing on the bill is in the scope of VAT. */
  readonly isOutside: boolean;
}

/**
 * A bill as an electronic invoice or credit note: UBL 2.1 after EN 16931 and, where both parties have an address in
 * it, Peppol BIS Billing 3.0.
 * @throws DRAFT_NOT_ISSUED, E_INVOICE_INCOMPLETE when a rule asks for what the bill does not say
 */
export function ubl(bill: BillDocument): string {
  if (bill.number === null) throw refuse.DRAFT_NOT_ISSUED({ id: bill.id });
  return writeXml(
    document({
      bill,
      number: bill.number,
      printed: printedBill(bill),
      sign: bill.kind === 'invoice' ? 1n : -1n,
      isOutside: bill.vatGroups.every(({ treatment }) => treatment === 'outside'),
    }),
  );
}

function document(draft: Draft): XmlElement {
  const { bill } = draft;
  const { name, type } = DOCUMENTS[bill.kind];
  checkParties(draft);
  const addresses = peppolAddresses(bill);
  return parent(
    name,
    [
      leaf('cbc:CustomizationID', addresses === null ? EN_16931 : PEPPOL),
      addresses && leaf('cbc:ProfileID', PEPPOL_BILLING),
      leaf('cbc:ID', String(draft.number)),
      leaf('cbc:IssueDate', dayOf(bill.issuedAt)),
      bill.dueOn && leaf('cbc:DueDate', bill.dueOn),
      leaf(`cbc:${name}TypeCode`, type),
      leaf('cbc:DocumentCurrencyCode', bill.currency),
      leaf('cbc:BuyerReference', bill.buyer.username),
      wholePeriod(bill),
      ...correctedBills(bill),
      parent('cac:AccountingSupplierParty', [
        party(draft, bill.seller, bill.seller.name, addresses?.seller ?? null),
      ]),
      parent('cac:AccountingCustomerParty', [
        party(draft, bill.buyer, buyerName(bill.buyer), addresses?.buyer ?? null, contact(bill.buyer)),
      ]),
      paymentMeans(draft),
      bill.kind === 'invoice'
        ? null
        : parent('cac:PaymentTerms', [leaf('cbc:Note', draft.printed.words.nothingToPay)]),
      taxTotal(draft),
      totals(draft),
      ...bill.records.map((record, index) => line(draft, record, index)),
    ],
    { xmlns: `urn:oasis:names:specification:ubl:schema:xsd:${name}-2`, ...NAMESPACES },
  );
}

/** Refuses what the rules refuse and only a person can mend. */
function checkParties(draft: Draft): void {
  const { bill, number } = draft;
  const { seller, buyer, username, vatGroups } = bill;
  if (seller.vat_number === '') {
    const [category = 'O'] = vatGroups.map(({ treatment, rate }) => categoryOf(treatment, rate, draft));
    const rule = category === 'O' ? 'BR-CO-26' : `BR-${category}-02`;
    throw refuse.E_INVOICE_INCOMPLETE({ number, party: 'seller', username, rule });
  }
  if (buyer.vat_number === '' && vatGroups.some(({ treatment }) => treatment === 'reverse_charge')) {
    throw refuse.E_INVOICE_INCOMPLETE({ number, party: 'buyer', username, rule: 'BR-AE-02' });
  }
}

/** By which addresses the document travels (PEPPOL-EN16931-R010, R020); null when it cannot be one of Peppol's. */
function peppolAddresses({
  seller,
  buyer,
}: BillDocument): { seller: ElectronicAddress; buyer: ElectronicAddress } | null {
  if ([seller.vat_number, seller.country].some((origin) => WITH_NATIONAL_RULES.test(origin))) return null;
  const from = electronicAddressOf(seller.vat_number);
  const to = electronicAddressOf(buyer.vat_number);
  return from === null || to === null ? null : { seller: from, buyer: to };
}

function wholePeriod({ records }: BillDocument): XmlElement | null {
  const first = records.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const last = records.reduce(
    (most, record) => Math.max(most, lastSecondOf(record)),
    Number.NEGATIVE_INFINITY,
  );
  return records.length === 0 ? null : period(instant(first), instant(last));
}

function period(first: Instant, last: Instant): XmlElement {
  return parent('cac:InvoicePeriod', [leaf('cbc:StartDate', dayOf(first)), leaf('cbc:EndDate', dayOf(last))]);
}

function lastSecondOf({ kind, start, end }: StoredRecord): Instant {
  return kind === 'one_time' ? start : lastSecondBefore(end);
}

function correctedBills({ correctedBills: corrected }: BillDocument): XmlElement[] {
  return [...new Set(corrected.values())]
    .sort((a, b) => a - b)
    .map((number) =>
      parent('cac:BillingReference', [
        parent('cac:InvoiceDocumentReference', [leaf('cbc:ID', String(number))]),
      ]),
    );
}

function contact({ organization, full_name, email }: BuyerOnBill): XmlElement | null {
  const parts = [
    leafIfAny('cbc:Name', organization === '' ? '' : full_name),
    leafIfAny('cbc:ElectronicMail', email),
  ];
  return parts.every((part) => part === null) ? null : parent('cac:Contact', parts);
}

/**
 * A party. Its number is a VAT identifier where it begins with the letters of a country (BR-CO-09), and then may not
 * stand on a document that has nothing to do with VAT (BR-O-02): there it identifies the company, as the numbers of
 * such countries do. A seller's number without letters is a tax registration (BT-32).
 */
function party(
  { isOutside }: Draft,
  { vat_number, street, city, postal_code, country }: SellerOnBill | BuyerOnBill,
  name: string,
  address: ElectronicAddress | null,
  reachedAt: XmlElement | null = null,
): XmlElement {
  const number = compactVatNumber(vat_number);
  const letters = number.slice(0, 2);
  const isVatNumber = isCountry(letters) || letters === 'EL' || letters === 'XI';
  return parent('cac:Party', [
    address && leaf('cbc:EndpointID', address.identifier, { schemeID: address.scheme }),
    parent('cac:PostalAddress', [
      leafIfAny('cbc:StreetName', street),
      leafIfAny('cbc:CityName', city),
      leafIfAny('cbc:PostalZone', postal_code),
      parent('cac:Country', [leaf('cbc:IdentificationCode', parseCountry(country))]),
    ]),
    number === '' || isOutside
      ? null
      : parent('cac:PartyTaxScheme', [
          leaf('cbc:CompanyID', number),
          parent('cac:TaxScheme', [leaf('cbc:ID', isVatNumber ? 'VAT' : 'TAX')]),
        ]),
    parent('cac:PartyLegalEntity', [
      leaf('cbc:RegistrationName', name),
      // The Swiss number without its ending for VAT is that of the register of businesses (UIDV Art. 5).
      isOutside ? leafIfAny('cbc:CompanyID', number.replace(/^(CHE\d{9})[A-Z]+$/, '$1')) : null,
    ]),
    reachedAt,
  ]);
}

function paymentMeans({ bill, number }: Draft): XmlElement | null {
  const { iban } = bill.seller;
  if (bill.dueOn === null || iban === '') return null;
  return parent('cac:PaymentMeans', [
    // UNTDID 4461: a SEPA credit transfer, or any other.
    leaf('cbc:PaymentMeansCode', bill.currency === 'EUR' ? '58' : '30'),
    leaf('cbc:PaymentID', paymentReference(iban, number)),
    parent('cac:PayeeFinancialAccount', [leaf('cbc:ID', iban)]),
  ]);
}

/** The VAT of all groups of one category and rate: in this format the place makes no difference (BR-S-08). */
interface Subtotal {
  readonly category: Category;
  readonly rate: VatRate;
  base: Minor;
  vat: Minor;
}

function taxTotal(draft: Draft): XmlElement {
  const subtotals = new Map<string, Subtotal>();
  for (const { treatment, rate, base, vat } of draft.bill.vatGroups) {
    const category = categoryOf(treatment, rate, draft);
    const key = `${category}|${rate}`;
    const subtotal = subtotals.get(key) ?? { category, rate, base: 0n, vat: 0n };
    subtotals.set(key, { ...subtotal, base: subtotal.base + base, vat: subtotal.vat + vat });
  }
  return parent('cac:TaxTotal', [
    amount(draft, 'cbc:TaxAmount', draft.bill.vat),
    ...[...subtotals.values()].map(({ category, rate, base, vat }) =>
      parent('cac:TaxSubtotal', [
        amount(draft, 'cbc:TaxableAmount', base),
        amount(draft, 'cbc:TaxAmount', vat),
        taxCategory('cac:TaxCategory', category, rate, exemption(category, draft)),
      ]),
    ),
  ]);
}

/**
 * Outside of the scope of VAT is a category that tolerates no other beside it (BR-O-11, BR-O-12). On a bill with both,
 * as after a move abroad, such services count as exempt: in UNTDID 5305 that is what taxes do not apply to.
 */
function categoryOf(treatment: VatTreatment, rate: VatRate, { isOutside }: Draft): Category {
  if (treatment === 'reverse_charge') return 'AE';
  if (treatment === 'outside') return isOutside ? 'O' : 'E';
  return rate === 0 ? 'Z' : 'S';
}

/** Why there is no VAT: the code of the list VATEX where there is one, and the words. */
function exemption(category: Category, { printed: { words } }: Draft): (XmlElement | null)[] {
  if (category === 'S' || category === 'Z') return [];
  const code = category === 'E' ? '' : `VATEX-EU-${category}`;
  const reason = category === 'AE' ? words.reverseChargeNote : words.outsideNote;
  return [leafIfAny('cbc:TaxExemptionReasonCode', code), leaf('cbc:TaxExemptionReason', reason)];
}

function taxCategory(
  name: string,
  category: Category,
  rate: VatRate,
  reasons: (XmlElement | null)[] = [],
): XmlElement {
  return parent(name, [
    leaf('cbc:ID', category),
    category === 'O' ? null : leaf('cbc:Percent', formatVatPercent(rate)),
    ...reasons,
    parent('cac:TaxScheme', [leaf('cbc:ID', 'VAT')]),
  ]);
}

function totals(draft: Draft): XmlElement {
  const { net, total } = draft.bill;
  return parent('cac:LegalMonetaryTotal', [
    amount(draft, 'cbc:LineExtensionAmount', net),
    amount(draft, 'cbc:TaxExclusiveAmount', net),
    amount(draft, 'cbc:TaxInclusiveAmount', total),
    amount(draft, 'cbc:PayableAmount', total),
  ]);
}

function line(draft: Draft, record: StoredRecord, index: number): XmlElement {
  const { bill, printed, sign } = draft;
  const { currency } = bill;
  const { name, quantity: quantityName } = DOCUMENTS[bill.kind];
  const { quantity, unit, price, base } = measureOf(record);
  const isNegative = sign * record.net < 0n;
  const category = categoryOf(record.vat.treatment, record.vat.rate, draft);
  const { description, details } = printed.lines[index] as PrintedLine;
  const reference = bill.orderReferences.get(record.orderId);
  return parent(`cac:${name}Line`, [
    leaf('cbc:ID', String(index + 1)),
    leaf(quantityName, `${isNegative ? '-' : ''}${quantity}`, { unitCode: unit }),
    amount(draft, 'cbc:LineExtensionAmount', record.net),
    period(record.start, lastSecondOf(record)),
    reference === undefined
      ? null
      : parent('cac:DocumentReference', [
          leaf('cbc:ID', reference),
          // UNTDID 1001: what the seller calls the thing that is invoiced.
          leaf('cbc:DocumentTypeCode', '130'),
        ]),
    parent('cac:Item', [
      leafIfAny('cbc:Description', details),
      leafIfAny('cbc:Name', description) ?? leaf('cbc:Name', printed.words.order(String(record.orderId))),
      taxCategory('cac:ClassifiedTaxCategory', category, record.vat.rate),
    ]),
    parent('cac:Price', [
      leaf('cbc:PriceAmount', price, { currencyID: currency }),
      base === 1n ? null : leaf('cbc:BaseQuantity', String(base), { unitCode: unit }),
    ]),
  ]);
}

/** How the amount of a line comes about: quantity × price ÷ base, all of them positive. */
interface Measure {
  readonly quantity: bigint;
  /** UN/ECE Recommendation 20: one, day, second. */
  readonly unit: 'C62' | 'DAY' | 'SEC';
  readonly price: string;
  readonly base: bigint;
}

/**
 * A whole period is so many pieces at their price; a part of one is so many days, or seconds, at the price of the
 * whole period. Where rounding to a currency without decimals takes such a line further from its amount than the
 * rules allow (PEPPOL-EN16931-R120: 0.02), it is one piece at its amount.
 */
function measureOf(record: StoredRecord): Measure {
  const share = periodShareOf(record);
  const [part, base] = share === null ? [1n, 1n] : [BigInt(share.part), BigInt(share.whole)];
  const quantity = BigInt(record.quantity) * part;
  const [net, unitPrice] = [magnitude(record.net), magnitude(record.unitPrice)];
  // In units of the currency ÷ scale; a price is in ten-thousandths.
  const minors = 10n ** BigInt(CURRENCY_DECIMALS[record.currency]);
  const scale = 10_000n * minors * base;
  if (magnitude(quantity * unitPrice * minors - net * 10_000n * base) * 100n > 2n * scale) {
    return { quantity: 1n, unit: 'C62', price: formatMinor(net, record.currency), base: 1n };
  }
  const price = formatUnitPrice({ ...record, unitPrice });
  const unit = share === null ? 'C62' : share.unit === 'days' ? 'DAY' : 'SEC';
  return { quantity, unit, price, base };
}

function amount({ bill, sign }: Draft, name: string, minor: Minor): XmlElement {
  return leaf(name, formatMinor(sign * minor, bill.currency), { currencyID: bill.currency });
}
