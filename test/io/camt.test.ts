import { describe, expect, it } from 'vitest';
import type { StatementEntry } from '../../src/lib/core/statement.ts';
import { readStatement } from '../../src/lib/io/camt.ts';
import {
  type GivenEntry,
  STATEMENT_HEAD,
  STATEMENT_TAIL,
  statement,
  statementEntry,
} from '../support/statement.ts';

async function read(content: string | Uint8Array, chunkBytes = 1000): Promise<StatementEntry[]> {
  const all = Buffer.from(content);
  async function* bytes() {
    for (let start = 0; start < all.length; start += chunkBytes)
      yield all.subarray(start, start + chunkBytes);
  }
  const entries: StatementEntry[] = [];
  for await (const batch of readStatement({ name: 's.xml', bytes: bytes() })) entries.push(...batch);
  return entries;
}

const refusal = (content: string | Uint8Array) =>
  read(content).then(
    () => 'read',
    ({ code, message }) => `${code}: ${message}`,
  );

const FULL: GivenEntry = {
  details: [
    { amount: '20.00', bank: 'T1', endToEnd: 'E1', references: ['RF6812'], payer: 'Müller &amp; Söhne' },
    { amount: '7.03', direction: 'CRDT' },
  ],
};

describe('a statement', () => {
  it.each(['02', '04', '08'] as const)('is read in version %s', async (version) => {
    expect(await read(statement([FULL, { direction: 'DBIT', bank: null, status: 'PDNG' }], version))).toEqual(
      [
        {
          line: 8,
          account: 'CH9300762011623852957',
          day: '2025-02-10',
          amount: 2_703_000n,
          currency: 'CHF',
          isCredit: true,
          isReversal: false,
          isBooked: true,
          hasCharges: false,
          bankReference: 'B1',
          details: [
            {
              line: 20,
              amount: 2_000_000n,
              currency: 'CHF',
              isCredit: null,
              bankReference: 'T1',
              endToEndId: 'E1',
              creditorReferences: ['RF6812'],
              payer: 'Müller & Söhne',
            },
            {
              line: 27,
              amount: 703_000n,
              currency: 'CHF',
              isCredit: true,
              bankReference: null,
              endToEndId: null,
              creditorReferences: [],
              payer: null,
            },
          ],
        },
        expect.objectContaining({ isCredit: false, isBooked: false, bankReference: null, details: [] }),
      ],
    );
  });

  it('is read alike however it is cut, prefixed, and with what other namespaces add', async () => {
    const plain = statement([FULL, FULL]);
    const expected = await read(plain);
    for (const size of [1, 7, 100_000]) expect(await read(plain, size)).toEqual(expected);
    const prefixed = plain
      .replace('xmlns=', 'xmlns:c=')
      .replace(/<(\/?)(?=[A-Z])/g, '<$1c:')
      .replaceAll('<c:AddtlNtryInf>', '<b:Amt xmlns:b="urn:bank" Ccy="EUR">1</b:Amt><c:AddtlNtryInf>');
    expect(await read(prefixed)).toEqual(expected);
  });

  it('takes back what is a reversal, and the day of the bank from a time', async () => {
    const time = statement([{ reversal: true, direction: 'DBIT' }]).replace(
      '<BookgDt><Dt>2025-02-10</Dt></BookgDt>',
      '<BookgDt><DtTm>2025-02-10T23:30:00-05:00</DtTm></BookgDt>',
    );
    const expected = [{ isReversal: true, isCredit: false, day: '2025-02-10' }];
    expect(await read(time)).toMatchObject(expected);
    expect(await read(time.replace('<RvslInd>true<', '<RvslInd>1<'))).toMatchObject(expected);
    expect(await read(time.replace('<RvslInd>true<', '<RvslInd>0<'))).toMatchObject([{ isReversal: false }]);
    const valued = statement([{}]).replace(/<BookgDt>.*<\/BookgDt>/, '');
    expect(await read(valued)).toMatchObject([{ day: '2025-02-12' }]);
  });

  it.each<[string, string | Uint8Array]>([
    ['UTF-8 with a mark', `\ufeff${statement([FULL])}`],
    ['UTF-16 little endian', Buffer.from(`\ufeff${statement([FULL]).replace('UTF-8', 'UTF-16')}`, 'utf16le')],
    ['UTF-16 big endian', Buffer.from(`\ufeff${statement([FULL])}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from(statement([FULL]), 'utf16le')],
    ['Latin 1', Buffer.from(statement([FULL]).replace('UTF-8', 'ISO-8859-1'), 'latin1')],
  ])('is read in %s', async (_, bytes) => {
    const [entry] = await read(bytes);
    expect(entry?.details[0]?.payer).toBe('Müller & Söhne');
  });

  const good = statement([FULL]);
  const longest = 'x'.repeat(1_100_000);
  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /^XML_MALFORMED: .*line 1, column 1: document must contain a root element/],
    ['text', 'hello', /^XML_MALFORMED: .*line 1/],
    ['an end too early', good.slice(0, -30), /^XML_MALFORMED: .*line \d+, column \d+: unclosed tag/],
    ['tags that cross', good.replace('</Amt>', '</Amx>'), /line 10, column \d+: unexpected close tag/],
    ['a bare ampersand', good.replace('&amp;', '& '), /^XML_MALFORMED/],
    ['an unknown entity', good.replace('&amp;', '&uuml;'), /^XML_MALFORMED: .*undefined entity/],
    ['a document type', good.replace('?>\n', '?>\n<!DOCTYPE Document>'), /a document type is not read/],
    [
      'an entity bomb',
      good.replace('?>\n', '?>\n<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>').replace('&amp;', '&b;'),
      /a document type is not read/,
    ],
    ['endless text', good.replace('>T1<', `>${longest}<`), /longer than 1048576 characters/],
    ['an endless tag', good.replace('<Ntry>', `<Ntry a="${longest}">`), /longer than 1048576 characters/],
    [
      'an endless comment',
      good.replace('<Ntry>', `<Ntry><!--${longest}-->`),
      /longer than 1048576 characters/,
    ],
    [
      'text in endless pieces',
      good.replace('>T1<', `>${`${'x'.repeat(999)}<!---->`.repeat(1100)}<`),
      /more than 1048576/,
    ],
    ['endless depth', good.replace('<Ntry>', '<a>'.repeat(70)), /nested more than 64 deep/],
    ['endless names', good.replace('<Ntry>', `<${'a'.repeat(5000)}>`), /more than 4096 characters/],
    ['a NUL', good.replace('T1', 'T\u0000'), /^XML_MALFORMED: .*disallowed character/],
    ['an unknown encoding', good.replace('UTF-8', 'EBCDIC'), /^XML_ENCODING: .*"EBCDIC", which is not read/],
    ['UTF-16 that is UTF-8', good.replace('UTF-8', 'UTF-16'), /^XML_ENCODING: .*which it is not/],
    [
      'Latin 1 that is called UTF-8',
      Buffer.from(good, 'latin1'),
      /^XML_ENCODING: .*holds bytes that are not/,
    ],
    ['a character cut short', Buffer.concat([Buffer.from(good), Buffer.of(0xc3)]), /^XML_ENCODING/],
    ['another message', good.replace('camt.053.001.04', 'camt.054.001.04'), /^NOT_A_STATEMENT/],
    ['another version', good.replace('camt.053.001.04', 'camt.053.001.99'), /^NOT_A_STATEMENT/],
    ['a web page', '<html><body/></html>', /^NOT_A_STATEMENT: .*its root is "html"/],
    [
      'an entry without an amount',
      good.replace(/<Amt.*?<\/Amt>/, ''),
      /^STATEMENT_FAULTY: .*line \d+: the entry has no Amt/,
    ],
    ['an amount with a comma', good.replace('27.03', '27,03'), /Amt "27,03" is not an amount/],
    ['an amount without a currency', good.replace(' Ccy="CHF"', ''), /is not an amount with its currency/],
    ['an entry without a direction', good.replace(/<CdtDbtInd>.*?<\/CdtDbtInd>/, ''), /no CdtDbtInd/],
    ['an unknown direction', good.replace('CRDT', 'BOTH'), /neither CRDT nor DBIT/],
    ['an entry without a status', good.replace(/<Sts>.*?<\/Sts>/, ''), /no Sts/],
    [
      'an entry without a day',
      good.replace(/<BookgDt>.*?<\/BookgDt>\s*<ValDt>.*?<\/ValDt>/, ''),
      /neither a BookgDt nor/,
    ],
    ['a day that does not exist', good.replace('2025-02-10', '2025-02-30'), /Dt "2025-02-30" is not a day/],
  ])('is refused when it is %s', async (_, content, expected) => {
    expect(await refusal(content)).toMatch(expected);
  });

  it('is read in a time that grows with it only, when a payment names many references', async () => {
    const references = Array.from({ length: 100_000 }, (_, number) => `RF${number}`);
    const [entry] = await read(statement([{ details: [{ references }] }]), 65_536);
    expect(entry?.details[0]?.creditorReferences).toEqual(references);
  }, 10_000);

  it('is never held in memory as a whole', async () => {
    const entries = 20_000;
    async function* bytes() {
      yield Buffer.from(STATEMENT_HEAD('04'));
      for (let index = 0; index < entries; index += 50) yield Buffer.from(statementEntry(FULL).repeat(50));
      yield Buffer.from(STATEMENT_TAIL);
    }
    let count = 0;
    let largest = 0;
    for await (const batch of readStatement({ name: 's.xml', bytes: bytes() })) {
      count += batch.length;
      largest = Math.max(largest, batch.length);
    }
    expect(count).toBe(entries);
    expect(largest).toBeLessThan(600);
  });
});
