import { DOMParser, type Document, type Element } from '@xmldom/xmldom';

/**
 * The business rules of EN 16931-1 and Peppol BIS Billing 3.0 that a document of ours can touch, in their UBL binding,
 * written from the published rules and sharing nothing with the program. One entry for each rule; what breaks it comes
 * back as text.
 */
export function brokenRules(xml: string): string[] {
  const document = new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  }).parseFromString(xml, 'text/xml');
  const root = rootOf(document);
  const invoice = new Invoice(root);
  const rules = invoice.isPeppol ? { ...RULES, ...PEPPOL_RULES } : RULES;
  return Object.entries(rules).flatMap(([id, rule]) => (holds(rule, invoice) ? [] : [id]));
}

/** The ids of all rules that are checked. */
export const ruleIds = () => [...Object.keys(RULES), ...Object.keys(PEPPOL_RULES)];

type Rule = (invoice: Invoice) => boolean;

function holds(rule: Rule, invoice: Invoice): boolean {
  try {
    return rule(invoice);
  } catch {
    return false;
  }
}

function rootOf({ documentElement }: Document): Element {
  if (documentElement === null) throw new Error('an empty document');
  return documentElement;
}

/** Ten decimals are more than any figure has. */
const DECIMALS = 10;
const SCALE = 10n ** BigInt(DECIMALS);

/** A decimal as a whole number of 10^-10. */
function decimal(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,10}))?$/.exec(text);
  if (match === null) throw new Error(`${text} is not a decimal`);
  const [, sign, whole = '', fraction = ''] = match;
  const value = BigInt(whole + fraction.padEnd(DECIMALS, '0'));
  return sign === '-' ? -value : value;
}

const absolute = (value: bigint) => (value < 0n ? -value : value);
const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);

/** The elements at a path of qualified names below an element. */
function all(from: Element, path: string): Element[] {
  return path
    .split('/')
    .reduce<Element[]>(
      (parents, name) =>
        parents.flatMap((parent) => childrenOf(parent).filter(({ nodeName }) => nodeName === name)),
      [from],
    );
}

const has = (from: Element, path: string) => all(from, path).length > 0;
const texts = (from: Element, path: string) => all(from, path).map(({ textContent }) => textContent ?? '');
const figures = (from: Element, path: string) => texts(from, path).map(decimal);

/** The only text at a path. */
function text(from: Element, path: string): string {
  const found = texts(from, path);
  if (found.length !== 1) throw new Error(`${found.length} of ${path}`);
  return found[0] ?? '';
}

const figure = (from: Element, path: string) => decimal(text(from, path));

/** The elements that stand directly in an element. */
const childrenOf = (from: Element) =>
  [...from.childNodes].filter((node): node is Element => node.nodeType === 1);

/** An element and all that is in it. */
const withDescendants = (from: Element): Element[] => [from, ...childrenOf(from).flatMap(withDescendants)];

class Invoice {
  readonly root: Element;
  readonly everything: readonly Element[];
  readonly isCredit: boolean;
  readonly isPeppol: boolean;
  readonly lines: readonly Element[];
  readonly subtotals: readonly Element[];
  readonly seller: Element;
  readonly buyer: Element;

  constructor(root: Element) {
    this.root = root;
    this.everything = withDescendants(root);
    this.isCredit = root.localName === 'CreditNote';
    this.isPeppol = texts(root, 'cbc:CustomizationID').some((id) => id.includes('peppol'));
    this.lines = all(root, this.isCredit ? 'cac:CreditNoteLine' : 'cac:InvoiceLine');
    this.subtotals = all(root, 'cac:TaxTotal/cac:TaxSubtotal');
    this.seller = all(root, 'cac:AccountingSupplierParty/cac:Party')[0] ?? root;
    this.buyer = all(root, 'cac:AccountingCustomerParty/cac:Party')[0] ?? root;
  }

  get quantity(): string {
    return this.isCredit ? 'cbc:CreditedQuantity' : 'cbc:InvoicedQuantity';
  }

  named(...names: string[]): Element[] {
    return this.everything.filter(({ nodeName }) => names.includes(nodeName));
  }

  lineCategories(): string[] {
    return this.lines.flatMap((line) => texts(line, LINE_CATEGORY));
  }

  subtotalsOf(category: string): Element[] {
    return this.subtotals.filter((subtotal) => text(subtotal, 'cac:TaxCategory/cbc:ID') === category);
  }

  linesOf(category: string): Element[] {
    return this.lines.filter((line) => text(line, LINE_CATEGORY) === category);
  }
}

const LINE_CATEGORY = 'cac:Item/cac:ClassifiedTaxCategory/cbc:ID';
const LINE_PERCENT = 'cac:Item/cac:ClassifiedTaxCategory/cbc:Percent';
const NET = 'cbc:LineExtensionAmount';
const TOTALS = 'cac:LegalMonetaryTotal';

const every = (elements: readonly Element[], test: (element: Element) => boolean) => elements.every(test);
const exists =
  (path: string): Rule =>
  ({ root }) =>
    has(root, path);
const onLines =
  (test: (line: Element, invoice: Invoice) => boolean): Rule =>
  (invoice) =>
    invoice.lines.every((line) => test(line, invoice));
const atMostTwoDecimals =
  (...paths: string[]): Rule =>
  ({ root }) =>
    paths.every((path) => texts(root, path).every((value) => /^-?\d+(\.\d{1,2})?$/.test(value)));
const datesInOrder = (period: Element) => {
  const [start, end] = [texts(period, 'cbc:StartDate')[0], texts(period, 'cbc:EndDate')[0]];
  return start === undefined || end === undefined || start <= end;
};

/** A VAT identifier (BT-31, BT-48) or a tax registration (BT-32). */
const taxIds = (party: Element, scheme?: string) =>
  all(party, 'cac:PartyTaxScheme').filter(
    (tax) => scheme === undefined || text(tax, 'cac:TaxScheme/cbc:ID') === scheme,
  );

/** BR-x-01 to BR-x-10 of a category where no VAT is charged. */
function untaxedRules(category: 'Z' | 'E' | 'AE' | 'O', withReason: boolean): Record<string, Rule> {
  const id = (number: string) => `BR-${category}-${number}`;
  return {
    [id('01')]: (invoice) =>
      invoice.linesOf(category).length === 0
        ? invoice.subtotalsOf(category).length === 0
        : invoice.subtotalsOf(category).length === 1,
    [id('08')]: (invoice) =>
      invoice
        .subtotalsOf(category)
        .every(
          (subtotal) =>
            figure(subtotal, 'cbc:TaxableAmount') ===
            sum(invoice.linesOf(category).map((line) => figure(line, NET))),
        ),
    [id('09')]: (invoice) =>
      invoice.subtotalsOf(category).every((subtotal) => figure(subtotal, 'cbc:TaxAmount') === 0n),
    [id('10')]: (invoice) =>
      invoice
        .subtotalsOf(category)
        .every(
          (subtotal) =>
            (has(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReason') ||
              has(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReasonCode')) === withReason,
        ),
  };
}

const zeroPercent =
  (category: string): Rule =>
  (invoice) =>
    invoice.linesOf(category).every((line) => figure(line, LINE_PERCENT) === 0n);
const sellerIsTaxed =
  (category: string): Rule =>
  (invoice) =>
    invoice.linesOf(category).length === 0 || taxIds(invoice.seller).length > 0;

const UNIT_CODES = ['C62', 'DAY', 'SEC'];
const CATEGORIES = ['AE', 'E', 'S', 'Z', 'G', 'O', 'K', 'L', 'M', 'B'];
const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
const COUNTRY = /^(?!AA|ZZ|X[A-HJ-Z])[A-Z]{2}$/;
const VAT_PREFIX = /^([A-Z]{2}|1A)/;

/** The order in which UBL 2.1 asks for the parts of what we write (its XSD), for each element that has parts. */
const SEQUENCES: Readonly<Record<string, string>> = {
  Invoice: `cbc:CustomizationID cbc:ProfileID cbc:ID cbc:IssueDate cbc:DueDate cbc:InvoiceTypeCode cbc:Note
    cbc:DocumentCurrencyCode cbc:BuyerReference cac:InvoicePeriod cac:OrderReference cac:BillingReference
    cac:AccountingSupplierParty cac:AccountingCustomerParty cac:Delivery cac:PaymentMeans cac:PaymentTerms
    cac:TaxTotal cac:LegalMonetaryTotal cac:InvoiceLine`,
  CreditNote: `cbc:CustomizationID cbc:ProfileID cbc:ID cbc:IssueDate cbc:CreditNoteTypeCode cbc:Note
    cbc:DocumentCurrencyCode cbc:BuyerReference cac:InvoicePeriod cac:OrderReference cac:BillingReference
    cac:AccountingSupplierParty cac:AccountingCustomerParty cac:Delivery cac:PaymentMeans cac:PaymentTerms
    cac:TaxTotal cac:LegalMonetaryTotal cac:CreditNoteLine`,
  'cac:InvoicePeriod': 'cbc:StartDate cbc:EndDate',
  'cac:BillingReference': 'cac:InvoiceDocumentReference',
  'cac:InvoiceDocumentReference': 'cbc:ID',
  'cac:AccountingSupplierParty': 'cac:Party',
  'cac:AccountingCustomerParty': 'cac:Party',
  'cac:Party': 'cbc:EndpointID cac:PostalAddress cac:PartyTaxScheme cac:PartyLegalEntity cac:Contact',
  'cac:PostalAddress': 'cbc:StreetName cbc:CityName cbc:PostalZone cac:Country',
  'cac:Country': 'cbc:IdentificationCode',
  'cac:PartyTaxScheme': 'cbc:CompanyID cac:TaxScheme',
  'cac:TaxScheme': 'cbc:ID',
  'cac:PartyLegalEntity': 'cbc:RegistrationName cbc:CompanyID',
  'cac:Contact': 'cbc:Name cbc:ElectronicMail',
  'cac:PaymentMeans': 'cbc:PaymentMeansCode cbc:PaymentID cac:PayeeFinancialAccount',
  'cac:PayeeFinancialAccount': 'cbc:ID',
  'cac:PaymentTerms': 'cbc:Note',
  'cac:TaxTotal': 'cbc:TaxAmount cac:TaxSubtotal',
  'cac:TaxSubtotal': 'cbc:TaxableAmount cbc:TaxAmount cac:TaxCategory',
  'cac:TaxCategory': 'cbc:ID cbc:Percent cbc:TaxExemptionReasonCode cbc:TaxExemptionReason cac:TaxScheme',
  'cac:ClassifiedTaxCategory': 'cbc:ID cbc:Percent cac:TaxScheme',
  'cac:LegalMonetaryTotal':
    'cbc:LineExtensionAmount cbc:TaxExclusiveAmount cbc:TaxInclusiveAmount cbc:PrepaidAmount cbc:PayableAmount',
  'cac:InvoiceLine': `cbc:ID cbc:InvoicedQuantity cbc:LineExtensionAmount cac:InvoicePeriod cac:DocumentReference
    cac:Item cac:Price`,
  'cac:CreditNoteLine': `cbc:ID cbc:CreditedQuantity cbc:LineExtensionAmount cac:InvoicePeriod
    cac:DocumentReference cac:Item cac:Price`,
  'cac:DocumentReference': 'cbc:ID cbc:DocumentTypeCode',
  'cac:Item': 'cbc:Description cbc:Name cac:ClassifiedTaxCategory',
  'cac:Price': 'cbc:PriceAmount cbc:BaseQuantity',
};

/** What may stand more than once. */
const REPEATED = new Set([
  'cac:BillingReference',
  'cac:PaymentMeans',
  'cac:TaxSubtotal',
  'cac:InvoiceLine',
  'cac:CreditNoteLine',
]);

function isInSequence(element: Element): boolean {
  const names = childrenOf(element).map(({ nodeName }) => nodeName);
  const sequence = SEQUENCES[element.nodeName]?.split(/\s+/) ?? [];
  if (sequence.length === 0) return names.length === 0;
  return names.every((name, index) => {
    const place = sequence.indexOf(name);
    const before = index === 0 ? -1 : sequence.indexOf(names[index - 1] ?? '');
    return place > before || (place !== -1 && place === before && REPEATED.has(name));
  });
}

const RULES: Readonly<Record<string, Rule>> = {
  'UBL-2.1 (XSD)': ({ everything, root, isCredit }) =>
    root.namespaceURI ===
      `urn:oasis:names:specification:ubl:schema:xsd:${isCredit ? 'CreditNote' : 'Invoice'}-2` &&
    everything.every(isInSequence),
  'BR-01': exists('cbc:CustomizationID'),
  'BR-02': exists('cbc:ID'),
  'BR-03': exists('cbc:IssueDate'),
  'BR-04': ({ root, isCredit }) => has(root, isCredit ? 'cbc:CreditNoteTypeCode' : 'cbc:InvoiceTypeCode'),
  'BR-05': exists('cbc:DocumentCurrencyCode'),
  'BR-06': ({ seller }) => has(seller, 'cac:PartyLegalEntity/cbc:RegistrationName'),
  'BR-07': ({ buyer }) => has(buyer, 'cac:PartyLegalEntity/cbc:RegistrationName'),
  'BR-08': ({ seller }) => has(seller, 'cac:PostalAddress'),
  'BR-09': ({ seller }) => has(seller, 'cac:PostalAddress/cac:Country/cbc:IdentificationCode'),
  'BR-10': ({ buyer }) => has(buyer, 'cac:PostalAddress'),
  'BR-11': ({ buyer }) => has(buyer, 'cac:PostalAddress/cac:Country/cbc:IdentificationCode'),
  'BR-12': exists(`${TOTALS}/cbc:LineExtensionAmount`),
  'BR-13': exists(`${TOTALS}/cbc:TaxExclusiveAmount`),
  'BR-14': exists(`${TOTALS}/cbc:TaxInclusiveAmount`),
  'BR-15': exists(`${TOTALS}/cbc:PayableAmount`),
  'BR-16': ({ lines }) => lines.length > 0,
  'BR-21': onLines((line) => has(line, 'cbc:ID')),
  'BR-22': onLines((line, { quantity }) => has(line, quantity)),
  'BR-23': onLines((line, { quantity }) =>
    every(all(line, quantity), (found) => found.hasAttribute('unitCode')),
  ),
  'BR-24': onLines((line) => has(line, NET)),
  'BR-25': onLines((line) => text(line, 'cac:Item/cbc:Name').trim() !== ''),
  'BR-26': onLines((line) => has(line, 'cac:Price/cbc:PriceAmount')),
  'BR-27': onLines((line) => figure(line, 'cac:Price/cbc:PriceAmount') >= 0n),
  'BR-29': ({ root }) => every(all(root, 'cac:InvoicePeriod'), datesInOrder),
  'BR-30': onLines((line) => every(all(line, 'cac:InvoicePeriod'), datesInOrder)),
  'BR-45': ({ subtotals }) => every([...subtotals], (subtotal) => has(subtotal, 'cbc:TaxableAmount')),
  'BR-46': ({ subtotals }) => every([...subtotals], (subtotal) => has(subtotal, 'cbc:TaxAmount')),
  'BR-47': ({ subtotals }) => every([...subtotals], (subtotal) => has(subtotal, 'cac:TaxCategory/cbc:ID')),
  'BR-48': ({ subtotals }) =>
    every(
      [...subtotals],
      (subtotal) =>
        has(subtotal, 'cac:TaxCategory/cbc:Percent') || text(subtotal, 'cac:TaxCategory/cbc:ID') === 'O',
    ),
  'BR-49': ({ root }) => every(all(root, 'cac:PaymentMeans'), (means) => has(means, 'cbc:PaymentMeansCode')),
  'BR-50': ({ root }) =>
    every(all(root, 'cac:PaymentMeans/cac:PayeeFinancialAccount'), (account) => has(account, 'cbc:ID')),
  'BR-55': ({ root }) =>
    every(all(root, 'cac:BillingReference'), (reference) =>
      has(reference, 'cac:InvoiceDocumentReference/cbc:ID'),
    ),
  'BR-61': ({ root }) =>
    every(
      all(root, 'cac:PaymentMeans'),
      (means) =>
        !['30', '58'].includes(text(means, 'cbc:PaymentMeansCode')) ||
        has(means, 'cac:PayeeFinancialAccount/cbc:ID'),
    ),
  'BR-62': ({ seller }) => every(all(seller, 'cbc:EndpointID'), (id) => id.hasAttribute('schemeID')),
  'BR-63': ({ buyer }) => every(all(buyer, 'cbc:EndpointID'), (id) => id.hasAttribute('schemeID')),
  'BR-CL-01': ({ root, isCredit }) =>
    text(root, isCredit ? 'cbc:CreditNoteTypeCode' : 'cbc:InvoiceTypeCode') === (isCredit ? '381' : '380'),
  'BR-CL-03': ({ everything }) =>
    everything.every(
      (element) =>
        !element.hasAttribute('currencyID') || CURRENCIES.has(element.getAttribute('currencyID') ?? ''),
    ),
  'BR-CL-04': ({ root }) => CURRENCIES.has(text(root, 'cbc:DocumentCurrencyCode')),
  'BR-CL-14': (invoice) =>
    invoice.named('cbc:IdentificationCode').every(({ textContent }) => COUNTRY.test(textContent ?? '')),
  'BR-CL-16': ({ root }) =>
    texts(root, 'cac:PaymentMeans/cbc:PaymentMeansCode').every((code) => ['30', '58'].includes(code)),
  'BR-CL-17': ({ root }) =>
    texts(root, 'cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID').every((id) => CATEGORIES.includes(id)),
  'BR-CL-18': (invoice) => invoice.lineCategories().every((id) => CATEGORIES.includes(id)),
  'BR-CL-22': (invoice) =>
    invoice
      .named('cbc:TaxExemptionReasonCode')
      .every(({ textContent }) => ['VATEX-EU-AE', 'VATEX-EU-O', 'VATEX-EU-G'].includes(textContent ?? '')),
  'BR-CL-23': (invoice) =>
    invoice
      .named(invoice.quantity, 'cbc:BaseQuantity')
      .every((quantity) => UNIT_CODES.includes(quantity.getAttribute('unitCode') ?? '')),
  'BR-CL-25': (invoice) =>
    invoice.named('cbc:EndpointID').every((id) => /^\d{4}$/.test(id.getAttribute('schemeID') ?? '')),
  'BR-CO-04': onLines((line) => has(line, LINE_CATEGORY)),
  'BR-CO-09': ({ seller, buyer }) =>
    [seller, buyer].every((party) =>
      taxIds(party, 'VAT').every((tax) => VAT_PREFIX.test(text(tax, 'cbc:CompanyID'))),
    ),
  'BR-CO-10': ({ root, lines }) =>
    figure(root, `${TOTALS}/cbc:LineExtensionAmount`) === sum(lines.map((line) => figure(line, NET))),
  'BR-CO-13': ({ root }) =>
    figure(root, `${TOTALS}/cbc:TaxExclusiveAmount`) === figure(root, `${TOTALS}/cbc:LineExtensionAmount`),
  'BR-CO-14': ({ root, subtotals }) =>
    figure(root, 'cac:TaxTotal/cbc:TaxAmount') ===
    sum(subtotals.map((subtotal) => figure(subtotal, 'cbc:TaxAmount'))),
  'BR-CO-15': ({ root }) =>
    figure(root, `${TOTALS}/cbc:TaxInclusiveAmount`) ===
    figure(root, `${TOTALS}/cbc:TaxExclusiveAmount`) + figure(root, 'cac:TaxTotal/cbc:TaxAmount'),
  'BR-CO-16': ({ root }) =>
    figure(root, `${TOTALS}/cbc:PayableAmount`) ===
    figure(root, `${TOTALS}/cbc:TaxInclusiveAmount`) - sum(figures(root, `${TOTALS}/cbc:PrepaidAmount`)),
  // The official rule, like BR-S-09, leaves room for one unit.
  'BR-CO-17': ({ subtotals }) =>
    every([...subtotals], (subtotal) => {
      const percent = sum(figures(subtotal, 'cac:TaxCategory/cbc:Percent'));
      const expected = (figure(subtotal, 'cbc:TaxableAmount') * percent) / (100n * SCALE);
      return absolute(figure(subtotal, 'cbc:TaxAmount') - expected) < SCALE;
    }),
  'BR-CO-18': ({ subtotals }) => subtotals.length > 0,
  'BR-CO-19': ({ root }) => every(all(root, 'cac:InvoicePeriod'), (period) => has(period, 'cbc:StartDate')),
  'BR-CO-20': onLines((line) =>
    every(all(line, 'cac:InvoicePeriod'), (found) => has(found, 'cbc:StartDate')),
  ),
  'BR-CO-25': ({ root }) =>
    figure(root, `${TOTALS}/cbc:PayableAmount`) <= 0n ||
    has(root, 'cbc:DueDate') ||
    has(root, 'cac:PaymentTerms/cbc:Note'),
  'BR-CO-26': ({ seller }) =>
    taxIds(seller, 'VAT').length > 0 || has(seller, 'cac:PartyLegalEntity/cbc:CompanyID'),
  'BR-DEC-09': atMostTwoDecimals(`${TOTALS}/cbc:LineExtensionAmount`),
  'BR-DEC-12': atMostTwoDecimals(`${TOTALS}/cbc:TaxExclusiveAmount`),
  'BR-DEC-13': atMostTwoDecimals('cac:TaxTotal/cbc:TaxAmount'),
  'BR-DEC-14': atMostTwoDecimals(`${TOTALS}/cbc:TaxInclusiveAmount`),
  'BR-DEC-18': atMostTwoDecimals(`${TOTALS}/cbc:PayableAmount`),
  'BR-DEC-19': atMostTwoDecimals('cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount'),
  'BR-DEC-20': atMostTwoDecimals('cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount'),
  'BR-DEC-23': atMostTwoDecimals('cac:InvoiceLine/cbc:LineExtensionAmount', `cac:CreditNoteLine/${NET}`),
  'BR-S-01': (invoice) => invoice.linesOf('S').length > 0 === invoice.subtotalsOf('S').length > 0,
  'BR-S-02': sellerIsTaxed('S'),
  'BR-S-05': (invoice) => invoice.linesOf('S').every((line) => figure(line, LINE_PERCENT) > 0n),
  'BR-S-08': (invoice) =>
    invoice.subtotalsOf('S').every((subtotal) => {
      const rate = figure(subtotal, 'cac:TaxCategory/cbc:Percent');
      const lines = invoice.linesOf('S').filter((line) => figure(line, LINE_PERCENT) === rate);
      return figure(subtotal, 'cbc:TaxableAmount') === sum(lines.map((line) => figure(line, NET)));
    }) &&
    new Set(invoice.linesOf('S').map((line) => figure(line, LINE_PERCENT))).size ===
      invoice.subtotalsOf('S').length,
  'BR-S-10': (invoice) =>
    invoice
      .subtotalsOf('S')
      .every(
        (subtotal) =>
          !has(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReason') &&
          !has(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReasonCode'),
      ),
  ...untaxedRules('Z', false),
  'BR-Z-02': sellerIsTaxed('Z'),
  'BR-Z-05': zeroPercent('Z'),
  ...untaxedRules('E', true),
  'BR-E-02': sellerIsTaxed('E'),
  'BR-E-05': zeroPercent('E'),
  ...untaxedRules('AE', true),
  'BR-AE-02': (invoice) =>
    invoice.linesOf('AE').length === 0 ||
    (taxIds(invoice.seller).length > 0 &&
      (taxIds(invoice.buyer, 'VAT').length > 0 || has(invoice.buyer, 'cac:PartyLegalEntity/cbc:CompanyID'))),
  'BR-AE-05': zeroPercent('AE'),
  ...untaxedRules('O', true),
  'BR-O-02': (invoice) =>
    invoice.linesOf('O').length === 0 ||
    [invoice.seller, invoice.buyer].every((party) => taxIds(party).length === 0),
  'BR-O-05': (invoice) => invoice.linesOf('O').every((line) => !has(line, LINE_PERCENT)),
  'BR-O-11': (invoice) => invoice.subtotalsOf('O').length === 0 || invoice.subtotals.length === 1,
  'BR-O-12': (invoice) =>
    invoice.subtotalsOf('O').length === 0 || invoice.lineCategories().every((id) => id === 'O'),
};

const DATE_ELEMENTS = ['cbc:IssueDate', 'cbc:DueDate', 'cbc:StartDate', 'cbc:EndDate'];
const SELLERS_WITH_OWN_RULES = ['DE', 'DK', 'EL', 'GR', 'IS', 'IT', 'NL', 'NO', 'SE'];
const SCHEMES =
  `0184 0208 0211 0213 9910 9914 9920 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9937 9938
  9939 9943 9944 9945 9946 9947 9949 9950 9957`.split(/\s+/);

const PEPPOL_RULES: Readonly<Record<string, Rule>> = {
  'PEPPOL-EN16931-R001': exists('cbc:ProfileID'),
  'PEPPOL-EN16931-R002': ({ root }) => all(root, 'cbc:Note').length <= 1,
  'PEPPOL-EN16931-R003': ({ root }) =>
    has(root, 'cbc:BuyerReference') || has(root, 'cac:OrderReference/cbc:ID'),
  'PEPPOL-EN16931-R004': ({ root }) =>
    text(root, 'cbc:CustomizationID') ===
    'urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0',
  'PEPPOL-EN16931-R007': ({ root }) =>
    /^urn:fdc:peppol\.eu:2017:poacc:billing:\d\d:1\.0$/.test(text(root, 'cbc:ProfileID')),
  'PEPPOL-EN16931-R008': ({ everything }) =>
    everything.every((element) => (element.textContent ?? '').trim() !== ''),
  'PEPPOL-EN16931-R010': ({ buyer }) => has(buyer, 'cbc:EndpointID'),
  'PEPPOL-EN16931-R020': ({ seller }) => has(seller, 'cbc:EndpointID'),
  'PEPPOL-EN16931-R051': ({ root, everything }) =>
    everything.every(
      (element) =>
        !element.hasAttribute('currencyID') ||
        element.getAttribute('currencyID') === text(root, 'cbc:DocumentCurrencyCode'),
    ),
  'PEPPOL-EN16931-R053': ({ root }) => all(root, 'cac:TaxTotal').length === 1,
  'PEPPOL-EN16931-R100': onLines((line) => all(line, 'cac:DocumentReference').length <= 1),
  'PEPPOL-EN16931-R101': onLines((line) =>
    all(line, 'cac:DocumentReference').every((found) => text(found, 'cbc:DocumentTypeCode') === '130'),
  ),
  'PEPPOL-EN16931-R110': onLines(
    (line, { root }) =>
      text(line, 'cac:InvoicePeriod/cbc:StartDate') >= text(root, 'cac:InvoicePeriod/cbc:StartDate'),
  ),
  'PEPPOL-EN16931-R111': onLines(
    (line, { root }) =>
      text(line, 'cac:InvoicePeriod/cbc:EndDate') <= text(root, 'cac:InvoicePeriod/cbc:EndDate'),
  ),
  'PEPPOL-EN16931-R120': onLines((line, { quantity }) => {
    const base = figures(line, 'cac:Price/cbc:BaseQuantity')[0] ?? SCALE;
    const product = figure(line, quantity) * figure(line, 'cac:Price/cbc:PriceAmount');
    return absolute(figure(line, NET) * base - product) <= decimal('0.02') * base;
  }),
  'PEPPOL-EN16931-R121': onLines((line) =>
    figures(line, 'cac:Price/cbc:BaseQuantity').every((base) => base > 0n),
  ),
  'PEPPOL-EN16931-R130': onLines((line, { quantity }) =>
    all(line, 'cac:Price/cbc:BaseQuantity').every(
      (base) => base.getAttribute('unitCode') === all(line, quantity)[0]?.getAttribute('unitCode'),
    ),
  ),
  'PEPPOL-EN16931-F001': (invoice) =>
    invoice.named(...DATE_ELEMENTS).every(({ textContent }) => /^\d{4}-\d\d-\d\d$/.test(textContent ?? '')),
  'PEPPOL-EN16931-CL008': (invoice) =>
    invoice.named('cbc:EndpointID').every((id) => SCHEMES.includes(id.getAttribute('schemeID') ?? '')),
  'PEPPOL-EN16931-P0105': (invoice) =>
    invoice.subtotals.every(
      (subtotal) =>
        !texts(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReasonCode').includes('VATEX-EU-O') ||
        text(subtotal, 'cac:TaxCategory/cbc:ID') === 'O',
    ),
  'PEPPOL-EN16931-P0107': (invoice) =>
    invoice.subtotals.every(
      (subtotal) =>
        !texts(subtotal, 'cac:TaxCategory/cbc:TaxExemptionReasonCode').includes('VATEX-EU-AE') ||
        text(subtotal, 'cac:TaxCategory/cbc:ID') === 'AE',
    ),
  'PEPPOL-COMMON-R042': (invoice) =>
    endpoints(invoice, '0184').every((identifier) => /^DK\d{8}$/.test(identifier)),
  'PEPPOL-COMMON-R043': (invoice) =>
    endpoints(invoice, '0208').every(
      (identifier) =>
        /^\d{10}$/.test(identifier) &&
        97 - (Number(identifier.slice(0, 8)) % 97) === Number(identifier.slice(8)),
    ),
  'Peppol, national rules of the seller': ({ seller }) =>
    ![
      text(seller, 'cac:PostalAddress/cac:Country/cbc:IdentificationCode'),
      ...texts(seller, 'cac:PartyTaxScheme/cbc:CompanyID').map((id) => id.slice(0, 2)),
    ].some((country) => SELLERS_WITH_OWN_RULES.includes(country)),
};

function endpoints(invoice: Invoice, scheme: string): string[] {
  return invoice
    .named('cbc:EndpointID')
    .filter((id) => id.getAttribute('schemeID') === scheme)
    .map(({ textContent }) => textContent ?? '');
}
