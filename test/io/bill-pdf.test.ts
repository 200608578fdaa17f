import { describe, expect, it } from 'vitest';
import type { BillDocument } from '../../src/lib/core/bill-document.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { printedBill } from '../../src/lib/core/printed-bill.ts';
import { parseTerritory, parseVatRate, type VatTreatment } from '../../src/lib/core/vat.ts';
import { renderBillPdf } from '../../src/lib/io/bill-pdf.ts';
import { aBill, aRecord, BUYER, IBAN, QR_IBAN, SELLER } from '../support/bill-document.ts';
import { day } from '../support/billing.ts';
import { readHeights, readPdf, readQrBill } from '../support/pdf.ts';

const render = (given: Partial<BillDocument> = {}) => renderBillPdf(printedBill(aBill(given)));
const untaxed = (treatment: VatTreatment, territory: string) => ({
  treatment,
  territory: parseTerritory(territory),
  rate: parseVatRate('0'),
  reason: '',
});

describe('the PDF of a bill', () => {
  it('says all that an invoice has to say', async () => {
    const setup = { kind: 'one_time', periodIndex: -1, end: day('2025-01-01'), periodSeconds: null } as const;
    const pdf = await render({
      records: [
        aRecord({ ...setup, description: 'Setup', unitPrice: parsePrice('5'), net: 500n }),
        aRecord({ orderId: 2, unitPrice: parsePrice('2469'), start: day('2025-01-16'), net: 123_450n }),
      ],
      orderReferences: new Map([[2, 'nico-vm']]),
    });
    const pages = await readPdf(pdf);
    expect(pages).toHaveLength(1);
    const text = pages[0];
    for (const part of [
      'Example Hosting AG',
      'Bahnhofstrasse 1 · 8750 Glarus · Switzerland · VAT number CHE-123.456.788 MWST',
      'Muster GmbH Nico Muster Seeweg 7 8002 Zürich',
      'Number 12 Date 2 Jan 2025 Due date 1 Feb 2025 Customer nico',
      'Invoice 12 Description Quantity Unit price VAT Amount CHF',
      'Setup 1 Jan 2025 1 5.00 8.1 % 5.00 once',
      'VM 16 Jan 2025 – 30 Jan 2025 · 15 of 30 days · order nico-vm 1 2 469.00 8.1 % 1 234.50 per 30 days',
      'Net 1 239.50 VAT 8.1 % (CH) on 1 239.50 100.40 Total CHF 1 339.90',
      'Please pay CHF 1 339.90 by 1 Feb 2025.',
      'IBAN CH93 0076 2011 6238 5295 7, reference RF68 12',
      'Page 1 of 1',
      'Receipt Account / Payable to',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('is in the language of the buyer, and says who owes the VAT', async () => {
    const pdf = await render({
      records: [aRecord({ currency: 'EUR', vat: untaxed('reverse_charge', 'DE') })],
      buyer: { ...BUYER, language: 'de', country: 'DE', vat_number: 'DE123456789' },
    });
    const text = (await readPdf(pdf))[0];
    expect(text).toContain('Rechnung 12 Beschreibung Menge Einzelpreis MWST Betrag EUR');
    expect(text).toContain('Deutschland');
    expect(text).toContain('Zahlbar bis 01.02.2025 Kunde nico Ihre USt-IdNr. DE123456789');
    expect(text).toContain('VM 01.01.2025 – 30.01.2025 1 10.00 0 % 10.00 pro 30 Tage');
    expect(text).toContain('Reverse charge, MWST 0 % (DE) auf 10.00 0.00');
    expect(text).toContain('Reverse charge: Steuerschuldnerschaft des Leistungsempfängers');
    expect(text).toContain('Empfangsschein');
  });

  it('names the invoice that a credit note corrects, and asks for nothing', async () => {
    const credit = aRecord({ start: day('2025-01-16'), net: -500n, corrects: 4 });
    const pdf = await render({ records: [credit], correctedBills: new Map([[4, 3]]) });
    const text = (await readPdf(pdf))[0];
    expect(text).toContain('Credit note 12');
    expect(text).toContain('Credit: VM 16 Jan 2025 – 30 Jan 2025 · 15 of 30 days · corrects invoice 3');
    expect(text).toContain('Total CHF −5.41');
    expect(text).toContain('Nothing is to be paid: the amount is in your favour.');
    expect(text).not.toMatch(/Please pay|Due date|Receipt|IBAN/);
  });

  it('goes on over pages, each with the head of the table and its number', async () => {
    const records = Array.from({ length: 200 }, (_, index) =>
      aRecord({
        id: index + 1,
        description: `Machine ${index}.${index % 9 === 0 ? ' Very long.'.repeat(20) : ''}`,
      }),
    );
    const pages = await readPdf(await render({ records }));
    expect(pages.length).toBeGreaterThan(5);
    for (const [index, text] of pages.entries()) {
      expect(text).toContain(`Page ${index + 1} of ${pages.length}`);
      if (/Machine/.test(text)) expect(text).toContain('Description Quantity Unit price VAT Amount CHF');
    }
    const machines = [...pages.join(' ').matchAll(/Machine (\d+)\./g)].map(([, number]) => Number(number));
    expect(machines).toEqual(records.map((_, index) => index));
    expect(pages.at(-1)).toContain('Payment part');
  });

  it('keeps lines apart that have no words of their own', async () => {
    const pdf = await render({ records: [1, 2, 3].map((id) => aRecord({ id, description: '' })) });
    const found = await readHeights(pdf, 1);
    const at = (text: string) => found.filter((item) => item.text === text).map(({ y }) => y);
    const [first, second] = [at('8.1 %'), at('per 30 days')];
    expect([first.length, second.length]).toEqual([3, 3]);
    const gaps = second.slice(0, 2).map((y, index) => y - (first[index + 1] ?? y));
    for (const gap of gaps) expect(gap).toBeGreaterThan(12);
  });

  it('tells hours apart, and periods that have no name by their days or hours', async () => {
    const hour = (start: number, given: Partial<ReturnType<typeof aRecord>> = {}) =>
      aRecord({
        start: instant(day('2025-01-21') + start),
        end: instant(day('2025-01-21') + start + 3600),
        periodSeconds: 3600,
        ...given,
      });
    const records = [
      hour(46_800),
      hour(84_600),
      hour(82_800, { end: instant(day('2025-01-22') + 5) }),
      aRecord({ periodSeconds: 864_000, end: day('2025-01-11') }),
      aRecord({ periodSeconds: 21_600, end: instant(day('2025-01-01') + 21_600) }),
      aRecord({ periodSeconds: 100, end: instant(day('2025-01-01') + 100) }),
    ];
    const english = (await readPdf(await render({ records })))[0];
    for (const part of [
      '21 Jan 2025, 13:00 – 14:00 UTC',
      '21 Jan 2025, 23:30 – 22 Jan 2025, 00:30 UTC',
      '21 Jan 2025, 23:00 – 22 Jan 2025, 00:00:05 UTC',
      'VM 1 Jan 2025 – 10 Jan 2025 1 10.00 8.1 % 10.00 per 10 days',
      'VM 1 Jan 2025, 00:00 – 06:00 UTC 1 10.00 8.1 % 10.00 per 6 hours',
      'per 100 seconds',
    ]) {
      expect(english).toContain(part);
    }
    const german = (await readPdf(await render({ records, buyer: { ...BUYER, language: 'de' } })))[0];
    for (const part of [
      '21.01.2025, 13:00 – 14:00 UTC',
      'pro 10 Tage',
      'pro 6 Stunden',
      'pro 100 Sekunden',
    ]) {
      expect(german).toContain(part);
    }
  });

  it('holds hostile text: line ends, markup, pictures, right to left, and no end', async () => {
    const pdf = await render({
      records: [
        aRecord({ description: 'one\r\ntwo <b>three</b>\u202e &amp; \\(four\\) %s' }),
        aRecord({ description: '漢字 👩‍💻.' }),
        aRecord({ description: 'مرحبا بالعالم' }),
        aRecord({ description: 'Łódź Ελλάδα Привет' }),
        aRecord({ description: 'x'.repeat(100_000) }),
        aRecord({ description: '' }),
      ],
      buyer: { ...BUYER, organization: 'A'.repeat(10_000), city: '' },
      seller: { ...SELLER, name: 'Ü'.repeat(500) },
    });
    const pages = await readPdf(pdf);
    expect(pages).toHaveLength(2);
    const text = pages[0];
    expect(text).toContain('one two <b>three</b> &amp; \\(four\\) %s');
    expect(text).toContain('□□ □.');
    expect(text).toContain('Łódź Ελλάδα Привет');
    expect(text).toMatch(/[\u0600-\u06ff\ufe70-\ufeff]{5}/);
    expect(text).toMatch(/x{30}…/);
  });

  it('says what it leaves out, and only then', async () => {
    const note = '□ stands for a character that cannot be printed here.';
    for (const [description, isSaid] of [
      ['漢字', true],
      ['𝔘', true],
      ['Łódź Ελλάδα مرحبا □', false],
    ] as const) {
      const text = (await readPdf(await render({ records: [aRecord({ description })] }))).join(' ');
      expect([description, text.includes(note)]).toEqual([description, isSaid]);
    }
    const long = await render({ records: [aRecord({ description: 'i'.repeat(501) })] });
    expect((await readPdf(long)).join(' ')).toContain('…');
    const names = await render({ seller: { ...SELLER, name: 'Example Hosting and Networks '.repeat(4) } });
    expect((await readPdf(names)).join(' ')).toContain('Example Hosting and Networks '.repeat(4).trim());
  });

  it('is the same to the byte for the same bill', async () => {
    const first = await render();
    expect(first.equals(await render())).toBe(true);
    expect(first.toString('latin1')).toContain('(D:20250102000000Z)');
  });
});

describe('the payment part', () => {
  it.each([
    ['an IBAN', IBAN, 'CHF', 'SCOR', 'RF6812'],
    ['a QR-IBAN', QR_IBAN, 'EUR', 'QRR', '000000000000000000000000121'],
  ] as const)('with %s is read back from its QR code', async (_, iban, currency, kind, reference) => {
    const price = { unitPrice: parsePrice('999999.99'), net: 99_999_999n };
    const pdf = await render({ records: [aRecord({ currency, ...price })], seller: { ...SELLER, iban } });
    expect(readQrBill(pdf)).toEqual([
      ...['SPC', '0200', '1', iban],
      ...['S', 'Example Hosting AG', 'Bahnhofstrasse 1', '', '8750', 'Glarus', 'CH'],
      ...['', '', '', '', '', '', ''],
      ...['1080999.99', currency],
      ...['S', 'Muster GmbH', 'Seeweg 7', '', '8002', 'Zürich', 'CH'],
      ...[kind, reference, '', 'EPD'],
    ]);
  });

  it('of an account in Liechtenstein is read back too', async () => {
    const pdf = await render({ seller: { ...SELLER, country: 'LI', iban: 'LI21088100002324013AA' } });
    const fields = readQrBill(pdf);
    expect(fields?.slice(3, 11)).toEqual([
      'LI21088100002324013AA',
      ...['S', 'Example Hosting AG', 'Bahnhofstrasse 1', '', '8750', 'Glarus', 'LI'],
    ]);
    expect(fields?.slice(18, 20)).toEqual(['10.81', 'CHF']);
    expect(fields?.slice(27, 29)).toEqual(['SCOR', 'RF6812']);
  });

  it('is replaced by words where the amount is beyond it, and only there', async () => {
    const records = [aRecord({ net: 99_999_999_999n })];
    const told = async (given: Partial<BillDocument>) =>
      (await readPdf(await render({ records, ...given }))).join().includes('There is no payment slip');
    expect(await told({})).toBe(true);
    expect(await told({ records: [aRecord()] })).toBe(false);
    expect(await told({ seller: { ...SELLER, iban: 'DE89370400440532013000' } })).toBe(false);
    expect(await told({ number: null })).toBe(false);
  });

  it('leaves a buyer without a whole address to the payer, and takes only the permitted characters', async () => {
    const name = 'Łódź 漢字 '.repeat(20);
    const pdf = await render({ buyer: { ...BUYER, city: '' }, seller: { ...SELLER, name } });
    const fields = readQrBill(pdf);
    expect(fields?.[5]).toBe('Łódź ?? '.repeat(20).slice(0, 70).trim());
    expect(fields?.slice(20, 27)).toEqual(['', '', '', '', '', '', '']);
  });

  it.each<[string, Partial<BillDocument>]>([
    ['a credit note', { records: [aRecord({ net: -1000n, corrects: 1 })] }],
    ['a bill of nothing', { records: [aRecord(), aRecord({ net: -1000n, corrects: 1 })] }],
    ['another currency', { records: [aRecord({ currency: 'USD', vat: untaxed('outside', 'US') })] }],
    ['no account', { seller: { ...SELLER, iban: '' } }],
    ['a credit note in EUR', { records: [aRecord({ currency: 'EUR', net: -1000n, corrects: 1 })] }],
    ['an account abroad', { seller: { ...SELLER, iban: 'DE89370400440532013000' } }],
    ['a seller without a place', { seller: { ...SELLER, city: '' } }],
    ['a draft', { number: null }],
    ['more than a slip can hold', { records: [aRecord({ net: 99_999_999_999n })] }],
  ])('is not there for %s', async (_, given) => {
    const pdf = await render(given);
    expect(readQrBill(pdf)).toBeUndefined();
    expect((await readPdf(pdf)).join()).not.toContain('Payment part');
  });

  it('or not, the account stands with a reference that every bank takes', async () => {
    const pdf = await render({ seller: { ...SELLER, iban: 'DE89370400440532013000' } });
    expect((await readPdf(pdf))[0]).toContain('IBAN DE89 3704 0044 0532 0130 00, reference RF68 12');
  });
});
