import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BillDocument } from '../../src/lib/core/bill-document.ts';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { CURRENCY_DECIMALS, type Currency, divideRoundHalfUp, parsePrice } from '../../src/lib/core/money.ts';
import { ubl } from '../../src/lib/core/ubl.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { parseTerritory, parseVatRate, type VatTerms } from '../../src/lib/core/vat.ts';
import { aBill, aRecord, BUYER, SELLER } from '../support/bill-document.ts';
import { day } from '../support/billing.ts';
import { brokenRules, ruleIds } from '../support/en16931.ts';
import { refusalOf } from '../support/refusal.ts';

const terms = (treatment: VatTerms['treatment'], territory: string, rate = '0'): VatTerms => ({
  treatment,
  territory: parseTerritory(territory),
  rate: parseVatRate(rate),
  reason: '',
});
const CH = terms('domestic', 'CH', '0.081');
const AE = terms('reverse_charge', 'AT');
const US = terms('outside', 'US');
const AUSTRIAN = { ...BUYER, country: 'AT', vat_number: 'ATU12345678' };

/** The texts of all elements of that name, in the order of the document. */
function valuesOf(xml: string, name: string): string[] {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  return [...document.getElementsByTagName(name)].map(({ textContent }) => textContent ?? '');
}

const BILLS: Readonly<Record<string, Partial<BillDocument>>> = {
  'a whole period': {},
  'parts of periods': {
    records: [
      aRecord({ start: day('2025-01-16'), net: 500n }),
      aRecord({
        end: (day('2025-01-01') + 1) as never,
        unitPrice: parsePrice('9999.9999'),
        quantity: 3,
        net: 1n,
      }),
    ],
  },
  'a one-time price and an adjustment': {
    records: [
      aRecord({ kind: 'one_time', end: day('2025-01-01'), unitPrice: parsePrice('5'), net: 500n }),
      aRecord({
        kind: 'one_time',
        end: day('2025-01-01'),
        unitPrice: parsePrice('-2.5', { negative: true }),
        quantity: 2,
        net: -500n,
      }),
    ],
  },
  'several rates': {
    records: [
      aRecord(),
      aRecord({ vat: terms('domestic', 'CH', '0.077') }),
      aRecord({ vat: terms('domestic', 'CH') }),
    ],
  },
  'one rate in two places': {
    records: [
      aRecord({ vat: terms('destination', 'AT', '0.2'), net: 333n }),
      aRecord({ vat: terms('destination', 'FR', '0.2'), net: 333n }),
    ],
  },
  'reverse charge, addressed in Peppol': {
    records: [aRecord({ currency: 'EUR', vat: AE })],
    buyer: AUSTRIAN,
  },
  'outside of the scope': { records: [aRecord({ vat: US })], buyer: { ...BUYER, country: 'US' } },
  'outside of the scope, with VAT numbers': { records: [aRecord({ vat: US })], buyer: AUSTRIAN },
  'what was outside before a move': { records: [aRecord(), aRecord({ vat: US })] },
  'a credit note with charges on it': {
    records: [aRecord({ net: -3000n, corrects: 4, quantity: 3 }), aRecord({ net: 1000n })],
    correctedBills: new Map([[4, 3]]),
  },
  'a bill of nothing': { records: [aRecord(), aRecord({ net: -1000n })] },
  'a currency without decimals': {
    records: [aRecord({ currency: 'JPY', unitPrice: parsePrice('10.5'), net: 11n, vat: US })],
  },
  'hostile text': {
    records: [
      aRecord({ description: '<b>&amp;"\u0000\r\n]]>漢字 👩‍💻\ud800\u202e' }),
      aRecord({ description: ' \n' }),
    ],
    buyer: { ...AUSTRIAN, organization: '\u0007]]>', street: ' \t', email: 'a@b.example' },
    orderReferences: new Map([[1, '<nico>']]),
  },
};

describe('a bill in UBL', () => {
  it.each(Object.entries(BILLS))('keeps the rules: %s', (_, given) => {
    expect(brokenRules(ubl(aBill(given)))).toEqual([]);
  });

  it('says what the bill says', () => {
    const xml = ubl(
      aBill({
        records: [aRecord({ start: day('2025-01-16'), net: 500n })],
        orderReferences: new Map([[1, 'nico-vm']]),
      }),
    );
    for (const [name, values] of Object.entries({
      'cbc:CustomizationID': ['urn:cen.eu:en16931:2017'],
      'cbc:ID': ['12', 'VAT', 'S', 'VAT', '1', 'nico-vm', 'S', 'VAT', 'CH9300762011623852957'],
      'cbc:IssueDate': ['2025-01-02'],
      'cbc:DueDate': ['2025-02-01'],
      'cbc:InvoiceTypeCode': ['380'],
      'cbc:BuyerReference': ['nico'],
      'cbc:RegistrationName': ['Example Hosting AG', 'Muster GmbH'],
      'cbc:CompanyID': ['CHE123456788MWST'],
      'cbc:PaymentID': ['RF6812'],
      'cbc:Percent': ['8.1', '8.1'],
      'cbc:TaxAmount': ['0.41', '0.41'],
      'cbc:StartDate': ['2025-01-16', '2025-01-16'],
      'cbc:EndDate': ['2025-01-30', '2025-01-30'],
      'cbc:InvoicedQuantity': ['15'],
      'cbc:BaseQuantity': ['30'],
      'cbc:PriceAmount': ['10.00'],
      'cbc:LineExtensionAmount': ['5.00', '5.00'],
      'cbc:PayableAmount': ['5.41'],
      'cbc:Name': ['Nico Muster', 'VM'],
    })) {
      expect([name, valuesOf(xml, name).sort()]).toEqual([name, [...values].sort()]);
    }
  });

  it('names what a credit note corrects, and turns the signs', () => {
    const xml = ubl(aBill(BILLS['a credit note with charges on it']));
    expect(valuesOf(xml, 'cbc:CreditNoteTypeCode')).toEqual(['381']);
    expect(valuesOf(xml, 'cbc:CreditedQuantity')).toEqual(['3', '-1']);
    expect(valuesOf(xml, 'cbc:PriceAmount')).toEqual(['10.00', '10.00']);
    expect(valuesOf(xml, 'cbc:PayableAmount')).toEqual(['21.62']);
    expect(xml).toMatch(/<cac:InvoiceDocumentReference>\s*<cbc:ID>3</);
    expect(xml).not.toContain('PaymentMeans');
  });

  it.each([
    ['standard rate', [CH], ['S']],
    ['rate zero', [terms('domestic', 'CH')], ['Z']],
    ['reverse charge', [AE], ['AE']],
    ['outside', [US, terms('outside', 'CA')], ['O']],
    ['outside beside another', [CH, US], ['S', 'E']],
  ])('has the category of %s', (_, all, categories) => {
    const records = all.map((vat) => aRecord({ vat }));
    const xml = ubl(aBill({ records, buyer: AUSTRIAN }));
    const found = [...xml.matchAll(/<cac:TaxCategory>\s*<cbc:ID>(\w+)</g)].map(([, id]) => id);
    expect(found).toEqual(categories);
  });

  it.each([
    ['both have numbers', SELLER, AUSTRIAN, ['9927 CHE123456788MWST', '9914 ATU12345678']],
    [
      'a Belgian number',
      SELLER,
      { ...BUYER, vat_number: 'BE0403019261' },
      ['9927 CHE123456788MWST', '0208 0403019261'],
    ],
    ['a mistyped Belgian number', SELLER, { ...BUYER, vat_number: 'BE0403019262' }, []],
    ['a private buyer', SELLER, BUYER, []],
    ['a country without such addresses', SELLER, { ...BUYER, vat_number: 'SE123456789001' }, []],
    ['a German seller', { ...SELLER, country: 'DE', vat_number: 'DE123456789' }, AUSTRIAN, []],
  ])('is one of Peppol where it can be: %s', (_, seller, buyer, endpoints) => {
    const xml = ubl(aBill({ seller, buyer }));
    const found = [...xml.matchAll(/<cbc:EndpointID schemeID="(\d+)">(\w+)</g)].map(
      ([, id, value]) => `${id} ${value}`,
    );
    expect(found).toEqual(endpoints);
    expect(xml.includes('peppol')).toBe(endpoints.length > 0);
    expect(brokenRules(xml)).toEqual([]);
  });

  it('tells the time of what was long ago', () => {
    const [start, end] = [day('1969-01-01'), day('1969-01-31')];
    const xml = ubl(aBill({ records: [aRecord({ start, end })] }));
    expect(valuesOf(xml, 'cbc:StartDate')).toEqual(['1969-01-01', '1969-01-01']);
    expect(valuesOf(xml, 'cbc:EndDate')).toEqual(['1969-01-30', '1969-01-30']);
  });

  it('names the buyer as the bill does when the user has another name by now', () => {
    const xml = ubl(aBill({ username: parseUsername('renamed') }));
    expect(valuesOf(xml, 'cbc:BuyerReference')).toEqual([BUYER.username]);
  });

  it('refuses what no document may leave out, and says what to type', () => {
    const unnumbered = { seller: { ...SELLER, vat_number: '' } };
    expect(refusalOf(() => ubl(aBill({ number: null })))).toMatchObject({ code: 'DRAFT_NOT_ISSUED' });
    for (const [given, rule] of [
      [unnumbered, 'BR-S-02'],
      [{ ...unnumbered, records: [aRecord({ net: 1n })] }, 'BR-S-02'],
      [{ ...unnumbered, records: [aRecord({ vat: terms('domestic', 'CH', '0') })] }, 'BR-Z-02'],
      [{ ...unnumbered, records: [aRecord({ vat: AE })] }, 'BR-AE-02'],
      [{ ...unnumbered, records: [aRecord({ vat: US })] }, 'BR-CO-26'],
      [{ records: [aRecord({ vat: AE })] }, 'BR-AE-02'],
    ] as const) {
      const error = refusalOf(() => ubl(aBill(given)));
      expect(error).toMatchObject({ code: 'E_INVOICE_INCOMPLETE', data: { rule } });
      expect(error.hint).toMatch(/uncloud (provider set|user update nico) --vat-number NUMBER/);
    }
  });
});

const treatments = fc.constantFrom(
  CH,
  terms('domestic', 'CH', '0.077'),
  terms('destination', 'FR', '0.2'),
  AE,
  US,
);

/** A record over some part of a period, with the amount that billing gives it. */
const record = (currency: Currency) =>
  fc
    .record({
      vat: treatments,
      price: fc.bigInt({ min: -99_999_999n, max: 9_999_999_999_999n }),
      quantity: fc.integer({ min: 1, max: 100 }),
      period: fc.constantFrom(31_536_000, 2_592_000, 86_400, 60),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
      once: fc.boolean(),
      credit: fc.boolean(),
    })
    .map(({ vat, price, quantity, period, from, to, once, credit }): StoredRecord => {
      const start = day('2025-01-01');
      const common = { vat, currency, quantity, corrects: credit ? 4 : null };
      const scale = 10n ** BigInt(4 - CURRENCY_DECIMALS[currency]);
      if (once) {
        const net = divideRoundHalfUp(price * BigInt(quantity), scale);
        return aRecord({
          ...common,
          kind: 'one_time',
          start,
          end: start,
          unitPrice: price,
          net,
          periodSeconds: null,
        });
      }
      const unitPrice = price < 0n ? -price : price;
      const [a = 0, b = 0] = [Math.floor(from * period), Math.floor(to * period)].sort((x, y) => x - y);
      const owed = (seconds: number) =>
        divideRoundHalfUp(unitPrice * BigInt(quantity) * BigInt(seconds), BigInt(period) * scale);
      const net = owed(Math.max(b, a + 1)) - owed(a);
      const [first, end] = [instant(start + a), instant(start + Math.max(b, a + 1))];
      return aRecord({
        ...common,
        start: first,
        end,
        unitPrice,
        net: credit ? -net : net,
        periodSeconds: period,
      });
    });

const bills = fc
  .constantFrom<Currency>('CHF', 'EUR', 'JPY')
  .chain((currency) => fc.array(record(currency), { minLength: 1, maxLength: 6 }))
  .map((records) =>
    aBill({
      records: records.map((one, index) => ({ ...one, id: index })),
      buyer: AUSTRIAN,
      correctedBills: new Map([[4, 3]]),
    }),
  );

describe('the rules', () => {
  it('hold for whatever billing can make', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(bills, (bill) => {
        expect(brokenRules(ubl(bill))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  const INVOICE = ubl(
    aBill({ records: [aRecord({ start: day('2025-01-16'), net: 500n })], buyer: AUSTRIAN }),
  );
  const CREDIT = ubl(aBill(BILLS['a credit note with charges on it']));
  const REVERSE = ubl(aBill({ records: [aRecord({ vat: AE })], buyer: AUSTRIAN }));
  const OUTSIDE = ubl(aBill({ records: [aRecord({ vat: US })], buyer: AUSTRIAN }));
  const MIXED = ubl(aBill({ records: [aRecord({ vat: US }), aRecord({ vat: terms('domestic', 'CH') })] }));
  const BELGIAN = ubl(aBill({ buyer: { ...BUYER, vat_number: 'BE0403019261' } }));

  const BREAKAGES: readonly [string, string, string | RegExp, string][] = [
    ['UBL-2.1 (XSD)', INVOICE, /(<cbc:StreetName>.*\n)\s*(<cbc:CityName>.*\n)/, '$2$1'],
    ['BR-01', INVOICE, /<cbc:CustomizationID>.*\n/, ''],
    ['BR-02', INVOICE, /<cbc:ID>12<.*\n/, ''],
    ['BR-03', INVOICE, /<cbc:IssueDate>.*\n/, ''],
    ['BR-04', INVOICE, /<cbc:InvoiceTypeCode>.*\n/, ''],
    ['BR-05', INVOICE, /<cbc:DocumentCurrencyCode>.*\n/, ''],
    ['BR-06', INVOICE, /<cbc:RegistrationName>Example.*\n/, ''],
    ['BR-07', INVOICE, /<cbc:RegistrationName>Muster.*\n/, ''],
    ['BR-08', INVOICE, /<cac:PostalAddress>[\s\S]*?<\/cac:PostalAddress>/, ''],
    ['BR-09', INVOICE, /<cac:Country>[\s\S]*?<\/cac:Country>/, ''],
    ['BR-10', INVOICE, /(Customer[\s\S]*)<cac:PostalAddress>[\s\S]*?<\/cac:PostalAddress>/, '$1'],
    ['BR-11', INVOICE, /(Customer[\s\S]*)<cac:Country>[\s\S]*?<\/cac:Country>/, '$1'],
    ['BR-12', INVOICE, /<cbc:LineExtensionAmount .*\n/, ''],
    ['BR-13', INVOICE, /<cbc:TaxExclusiveAmount .*\n/, ''],
    ['BR-14', INVOICE, /<cbc:TaxInclusiveAmount .*\n/, ''],
    ['BR-15', INVOICE, /<cbc:PayableAmount .*\n/, ''],
    ['BR-16', INVOICE, /<cac:InvoiceLine>[\s\S]*<\/cac:InvoiceLine>/, ''],
    ['BR-21', INVOICE, /<cbc:ID>1<.*\n/, ''],
    ['BR-22', INVOICE, /<cbc:InvoicedQuantity .*\n/, ''],
    ['BR-23', INVOICE, /(<cbc:InvoicedQuantity) unitCode="DAY"/, '$1'],
    ['BR-24', INVOICE, /(<cac:InvoiceLine>[\s\S]*)<cbc:LineExtensionAmount .*\n/, '$1'],
    ['BR-25', INVOICE, /<cbc:Name>VM<.*\n/, ''],
    ['BR-26', INVOICE, /<cbc:PriceAmount .*\n/, ''],
    ['BR-27', INVOICE, '"CHF">10.00</cbc:PriceAmount', '"CHF">-10.00</cbc:PriceAmount'],
    ['BR-29', INVOICE, '<cbc:EndDate>2025', '<cbc:EndDate>2024'],
    ['BR-30', INVOICE, /(Line>[\s\S]*<cbc:EndDate>)2025/, '$12024'],
    ['BR-45', INVOICE, /<cbc:TaxableAmount .*\n/, ''],
    ['BR-46', INVOICE, /(<cbc:TaxableAmount .*\n).*\n/, '$1'],
    ['BR-47', INVOICE, /(<cac:TaxCategory>\s*)<cbc:ID>S.*\n/, '$1'],
    ['BR-48', INVOICE, /<cbc:Percent>.*\n/, ''],
    ['BR-49', INVOICE, /<cbc:PaymentMeansCode>.*\n/, ''],
    ['BR-50', INVOICE, /<cbc:ID>CH93.*\n/, ''],
    [
      'BR-55',
      CREDIT,
      /<cac:InvoiceDocumentReference>[\s\S]*<\/cac:InvoiceDocumentReference>/,
      '<cbc:ID>3</cbc:ID>',
    ],
    ['BR-61', INVOICE, /<cac:PayeeFinancialAccount>[\s\S]*<\/cac:PayeeFinancialAccount>/, ''],
    ['BR-62', INVOICE, ' schemeID="9927"', ''],
    ['BR-63', INVOICE, ' schemeID="9914"', ''],
    ['BR-CL-01', INVOICE, '>380<', '>389<'],
    ['BR-CL-03', INVOICE, 'currencyID="CHF"', 'currencyID="Fr."'],
    ['BR-CL-04', INVOICE, '>CHF<', '>Fr.<'],
    ['BR-CL-14', INVOICE, '>AT<', '>ZZ<'],
    ['BR-CL-16', INVOICE, '>30</cbc:PaymentMeansCode', '>999</cbc:PaymentMeansCode'],
    ['BR-CL-17', INVOICE, '<cbc:ID>S<', '<cbc:ID>X<'],
    ['BR-CL-18', INVOICE, /(Item>[\s\S]*<cbc:ID>)S</, '$1X<'],
    ['BR-CL-22', REVERSE, 'VATEX-EU-AE', 'VATEX-EU-XX'],
    ['BR-CL-23', INVOICE, 'unitCode="DAY"', 'unitCode="days"'],
    ['BR-CL-25', INVOICE, 'schemeID="9914"', 'schemeID="VAT"'],
    ['BR-CO-04', INVOICE, /<cac:ClassifiedTaxCategory>[\s\S]*<\/cac:ClassifiedTaxCategory>/, ''],
    ['BR-CO-09', INVOICE, '>ATU12345678</cbc:CompanyID', '>12345678</cbc:CompanyID'],
    ['BR-CO-10', INVOICE, '5.00</cbc:LineExtensionAmount', '5.01</cbc:LineExtensionAmount'],
    ['BR-CO-13', INVOICE, '5.00</cbc:TaxExclusiveAmount', '5.01</cbc:TaxExclusiveAmount'],
    ['BR-CO-14', INVOICE, '0.41</cbc:TaxAmount', '0.40</cbc:TaxAmount'],
    ['BR-CO-15', INVOICE, '5.41</cbc:TaxInclusiveAmount', '5.42</cbc:TaxInclusiveAmount'],
    ['BR-CO-16', INVOICE, '5.41</cbc:PayableAmount', '5.42</cbc:PayableAmount'],
    ['BR-CO-17', INVOICE, /(TaxableAmount>[\s\S]*)0\.41<\/cbc:TaxAmount/, '$11.41</cbc:TaxAmount'],
    ['BR-CO-18', INVOICE, /<cac:TaxSubtotal>[\s\S]*<\/cac:TaxSubtotal>/, ''],
    ['BR-CO-19', INVOICE, /<cbc:StartDate>.*\n/, ''],
    ['BR-CO-20', INVOICE, /(Line>[\s\S]*)<cbc:StartDate>.*\n/, '$1'],
    ['BR-CO-25', INVOICE, /<cbc:DueDate>.*\n/, ''],
    ['BR-CO-26', OUTSIDE, /<cbc:CompanyID>CHE.*\n/, ''],
    ['BR-DEC-09', INVOICE, '5.00</cbc:LineExtensionAmount', '5.000</cbc:LineExtensionAmount'],
    ['BR-DEC-12', INVOICE, '5.00</cbc:TaxExclusiveAmount', '5.000</cbc:TaxExclusiveAmount'],
    ['BR-DEC-13', INVOICE, '0.41</cbc:TaxAmount', '0.410</cbc:TaxAmount'],
    ['BR-DEC-14', INVOICE, '5.41</cbc:TaxInclusiveAmount', '5.410</cbc:TaxInclusiveAmount'],
    ['BR-DEC-18', INVOICE, '5.41</cbc:PayableAmount', '5.410</cbc:PayableAmount'],
    ['BR-DEC-19', INVOICE, '5.00</cbc:TaxableAmount', '5.000</cbc:TaxableAmount'],
    ['BR-DEC-20', INVOICE, /(TaxableAmount>[\s\S]*)0\.41</, '$10.410<'],
    ['BR-DEC-23', INVOICE, /(Line>[\s\S]*)5\.00<\/cbc:LineE/, '$15.000</cbc:LineE'],
    ['BR-S-01', INVOICE, '<cbc:ID>S<', '<cbc:ID>Z<'],
    ['BR-S-02', INVOICE, /<cac:PartyTaxScheme>[\s\S]*?<\/cac:PartyTaxScheme>/, ''],
    ['BR-S-05', INVOICE, /(Line>[\s\S]*<cbc:Percent>)8\.1/, '$10'],
    ['BR-S-08', INVOICE, '5.00</cbc:TaxableAmount', '5.01</cbc:TaxableAmount'],
    [
      'BR-S-10',
      INVOICE,
      '8.1</cbc:Percent>',
      '8.1</cbc:Percent><cbc:TaxExemptionReason>x</cbc:TaxExemptionReason>',
    ],
    ['BR-Z-01', MIXED, '<cbc:ID>Z<', '<cbc:ID>S<'],
    ['BR-Z-02', MIXED, /<cac:PartyTaxScheme>[\s\S]*?<\/cac:PartyTaxScheme>/, ''],
    ['BR-Z-05', MIXED, /(Line>[\s\S]*<cbc:Percent>)0/, '$11'],
    ['BR-Z-08', MIXED, /10\.00(<\/cbc:TaxableAmount>[^Z]*Z)/, '10.01$1'],
    ['BR-Z-09', MIXED, /0\.00(<\/cbc:TaxAmount>(?:(?!Amount)[\s\S])*>Z<)/, '0.01$1'],
    [
      'BR-Z-10',
      MIXED,
      /(>Z<[\s\S]*?<\/cbc:Percent>)/,
      '$1<cbc:TaxExemptionReason>x</cbc:TaxExemptionReason>',
    ],
    ['BR-E-01', MIXED, '<cbc:ID>E<', '<cbc:ID>S<'],
    ['BR-E-02', MIXED, /<cac:PartyTaxScheme>[\s\S]*?<\/cac:PartyTaxScheme>/, ''],
    ['BR-E-05', MIXED, /(Line>[\s\S]*?<cbc:Percent>)0/, '$11'],
    ['BR-E-08', MIXED, /10\.00(<\/cbc:TaxableAmount>(?:(?!Taxable)[\s\S])*>E<)/, '10.01$1'],
    ['BR-E-09', MIXED, /(TaxableAmount>[\s\S]*?)0\.00/g, '$10.01'],
    ['BR-E-10', MIXED, /<cbc:TaxExemptionReason>.*\n/g, ''],
    ['BR-AE-01', REVERSE, '<cbc:ID>AE<', '<cbc:ID>S<'],
    ['BR-AE-02', REVERSE, /(Customer[\s\S]*)<cac:PartyTaxScheme>[\s\S]*?<\/cac:PartyTaxScheme>/, '$1'],
    ['BR-AE-05', REVERSE, /(Line>[\s\S]*<cbc:Percent>)0/, '$11'],
    ['BR-AE-08', REVERSE, '10.00</cbc:TaxableAmount', '10.01</cbc:TaxableAmount'],
    ['BR-AE-09', REVERSE, /0\.00<\/cbc:TaxAmount/g, '0.01</cbc:TaxAmount'],
    ['BR-AE-10', REVERSE, /<cbc:TaxExemptionReason.*\n/g, ''],
    ['BR-O-01', OUTSIDE, '<cbc:ID>O<', '<cbc:ID>S<'],
    ['BR-O-02', OUTSIDE, '<cac:PartyLegalEntity>', '<cac:PartyTaxScheme/><cac:PartyLegalEntity>'],
    ['BR-O-05', OUTSIDE, /(Line>[\s\S]*<cbc:ID>O<.*\n)/, '$1<cbc:Percent>0</cbc:Percent>'],
    ['BR-O-08', OUTSIDE, '10.00</cbc:TaxableAmount', '10.01</cbc:TaxableAmount'],
    ['BR-O-09', OUTSIDE, /0\.00<\/cbc:TaxAmount/g, '0.01</cbc:TaxAmount'],
    ['BR-O-10', OUTSIDE, /<cbc:TaxExemptionReason.*\n/g, ''],
    ['BR-O-11', MIXED, '<cbc:ID>E<', '<cbc:ID>O<'],
    ['BR-O-12', MIXED, '<cbc:ID>E<', '<cbc:ID>O<'],
    ['PEPPOL-EN16931-R001', INVOICE, /<cbc:ProfileID>.*\n/, ''],
    [
      'PEPPOL-EN16931-R002',
      INVOICE,
      '<cbc:DocumentC',
      '<cbc:Note>1</cbc:Note><cbc:Note>2</cbc:Note><cbc:DocumentC',
    ],
    ['PEPPOL-EN16931-R003', INVOICE, /<cbc:BuyerReference>.*\n/, ''],
    ['PEPPOL-EN16931-R004', INVOICE, 'billing:3.0<', 'billing:4.0<'],
    ['PEPPOL-EN16931-R007', INVOICE, 'billing:01:1.0<', 'billing:1.0<'],
    ['PEPPOL-EN16931-R008', INVOICE, '>Glarus<', '><'],
    ['PEPPOL-EN16931-R010', INVOICE, /<cbc:EndpointID schemeID="9914.*\n/, ''],
    ['PEPPOL-EN16931-R020', INVOICE, /<cbc:EndpointID schemeID="9927.*\n/, ''],
    ['PEPPOL-EN16931-R051', INVOICE, 'currencyID="CHF"', 'currencyID="EUR"'],
    ['PEPPOL-EN16931-R053', INVOICE, /(<cac:TaxTotal>[\s\S]*<\/cac:TaxTotal>)/, '$1$1'],
    [
      'PEPPOL-EN16931-R100',
      INVOICE,
      '<cac:Item>',
      '<cac:DocumentReference/><cac:DocumentReference/><cac:Item>',
    ],
    ['PEPPOL-EN16931-R101', INVOICE, '<cac:Item>', '<cac:DocumentReference/><cac:Item>'],
    ['PEPPOL-EN16931-R110', INVOICE, /(Line>[\s\S]*<cbc:StartDate>)2025/, '$12024'],
    ['PEPPOL-EN16931-R111', INVOICE, /(Line>[\s\S]*<cbc:EndDate>)2025/, '$12026'],
    ['PEPPOL-EN16931-R120', INVOICE, '>15</cbc:InvoicedQuantity', '>16</cbc:InvoicedQuantity'],
    ['PEPPOL-EN16931-R121', INVOICE, '>30</cbc:BaseQuantity', '>0</cbc:BaseQuantity'],
    ['PEPPOL-EN16931-R130', INVOICE, 'unitCode="DAY">30', 'unitCode="SEC">30'],
    ['PEPPOL-EN16931-F001', INVOICE, '2025-02-01', '01.02.2025'],
    ['PEPPOL-EN16931-CL008', INVOICE, '"9914"', '"9999"'],
    ['PEPPOL-EN16931-P0105', REVERSE, 'VATEX-EU-AE', 'VATEX-EU-O'],
    ['PEPPOL-EN16931-P0107', OUTSIDE, 'VATEX-EU-O', 'VATEX-EU-AE'],
    ['PEPPOL-COMMON-R042', INVOICE, '"9914">AT', '"0184">AT'],
    ['PEPPOL-COMMON-R043', BELGIAN, '>0403019261</cbc:E', '>0403019262</cbc:E'],
    ['Peppol, national rules of the seller', INVOICE, '>CH<', '>DE<'],
  ];

  it.each(BREAKAGES)('%s is broken by a document that breaks it', (id, xml, what, by) => {
    const broken = xml.replace(what, by);
    expect(broken).not.toBe(xml);
    expect(brokenRules(broken)).toContain(id);
  });

  it('are all of them broken above', () => {
    expect(BREAKAGES.map(([id]) => id).sort()).toEqual(ruleIds().sort());
  });
});
