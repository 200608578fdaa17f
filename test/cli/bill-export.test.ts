import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { parseUsername } from '../../src/lib/core/user.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { setProvider } from '../../src/lib/ops/provider.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
import { brokenRules } from '../support/en16931.ts';
import { readPdf } from '../support/pdf.ts';
import { at } from '../support/shop.ts';

let counter = 0;

describeDatabases('uncloud bill export', (databases) => {
  const open = async () => {
    const context = await openWithCustomers(await databases.context(), 2);
    const { kysely } = await context.db();
    await kysely.updateTable('users').set({ username: '=cmd' }).where('id', '=', 1).execute();
    await generateBills(context.at('2025-01-02'));
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-01-11') });
    await generateBills(context.at('2025-01-12'));
    const folder = join(databases.folder, `bills-${counter++}`);
    return { url: context.url, folder };
  };

  it('writes the document of bill show without its payments as JSON', async () => {
    const { url, folder } = await open();
    const export_ = ['bill', 'export', '1', '2', '1', '--format', 'json', '--output', folder];
    const files = [join(folder, 'bill-000001.json'), join(folder, 'bill-000002.json')];
    expect(await uncloudJson(export_, { url })).toEqual({ schema_version: 1, files, refused: [] });
    expect(await readdir(folder)).toEqual(['bill-000001.json', 'bill-000002.json']);
    const shown = await uncloudJson(['bill', 'show', '1'], { url });
    const { paid, open: unpaid, payments, ...bill } = shown.bill as Record<string, unknown>;
    const stdout = `${JSON.stringify({ ...shown, bill }, null, 2)}\n`;
    expect(await readFile(files[0] ?? '', 'utf8')).toBe(stdout);
    const printed = await uncloud(['bill', 'export', 'id:1', '--format', 'json', '-o', '-'], { url });
    expect(printed).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('writes a line for each record as CSV, and nothing that a spreadsheet would run', async () => {
    const { url } = await open();
    const { stdout } = await uncloud(['bill', 'export', '3', '--format', 'csv', '--output', '-'], { url });
    const { bill } = (await uncloudJson(['bill', 'show', '3'], { url })) as {
      bill: { records: Record<string, unknown>[] };
    };
    const rows = parse(stdout, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];
    expect(rows).toEqual(
      bill.records.map(({ id, ...record }) => ({
        number: '3',
        issued_at: '2025-01-12T00:00:00Z',
        due_on: '',
        username: "'=cmd",
        currency: 'CHF',
        record_id: String(id),
        ...Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value ?? '')])),
      })),
    );
    expect(rows[0]).toMatchObject({ net: '-6.67', seconds: '-1728000' });
  });

  it('writes a PDF with what the database holds, also about the bill that is corrected', async () => {
    const { url, folder } = await open();
    const export_ = ['bill', 'export', '1', '3', '--output', folder];
    const files = [join(folder, 'bill-000001.pdf'), join(folder, 'bill-000003.pdf')];
    expect(await uncloud(export_, { url })).toEqual({ code: 0, stdout: `${files.join('\n')}\n`, stderr: '' });
    const [first = '', credit = ''] = await Promise.all(
      files.map(async (file) => (await readPdf(await readFile(file)))[0]),
    );
    expect(first).toContain('Invoice 1 Description');
    expect(first).toContain('Due date 12 Jan 2025 Customer =cmd');
    expect(credit).toContain('Credit note 3');
    expect(credit).toContain('11 Jan 2025 – 30 Jan 2025 · 20 of 30 days · corrects invoice 1');
    expect((await uncloud(['bill', 'show', '3'], { url })).stdout).toContain('  Credit for bill 1: VM ');
    const again = await uncloud(export_, { url });
    expect(again).toMatchObject({ code: 0 });
    const printed = await uncloud(['bill', 'export', '1', '--output', '-'], { url });
    expect(printed.stdout).toMatch(/^%PDF-1\.7\n.*\n%%EOF\n?$/s);
  });

  it('says in its help what may be left out', async () => {
    const { url } = await open();
    const { stdout } = await uncloud(['bill', 'export', '--help'], { url });
    expect(stdout).toContain('[NUMBER...]  Numbers of bills, or id:N\n');
  });

  it('leaves the same file alone, and another one in the way, before anything is written', async () => {
    const { url, folder } = await open();
    const file = join(folder, 'bill-000002.csv');
    const export_ = ['bill', 'export', '1', '2', '--format', 'csv', '--output', folder];
    await mkdir(folder);
    await writeFile(file, 'mine');
    expect(await uncloud(export_, { url })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: The file "${file}" exists already.\n  Name another file, or remove this one first.\n`,
    });
    expect(await readdir(folder)).toEqual(['bill-000002.csv']);
    expect(await readFile(file, 'utf8')).toBe('mine');
    const into = (output: string) => uncloud([...export_.slice(0, -1), output], { url });
    expect(await into(file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`The file "${file}" cannot be written: it is not a folder.`),
    });
    expect(await into(join(file, 'bills'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written: a part of its path is not a folder.'),
    });
    const one = [...export_.slice(0, 3), '--format', 'csv', '--output', join(folder, 'one.csv')];
    expect(await uncloud(one, { url })).toMatchObject({ code: 0, stdout: `${join(folder, 'one.csv')}\n` });
    const before = await stat(join(folder, 'one.csv'));
    expect(await uncloud(one, { url })).toMatchObject({ code: 0 });
    expect((await stat(join(folder, 'one.csv'))).ino).toBe(before.ino);
    expect(await readdir(folder)).toEqual(['bill-000002.csv', 'one.csv']);
  });

  it('writes electronic invoices that keep the rules, and lists the bills that cannot be one', async () => {
    const { url, folder } = await open();
    const export_ = [
      'bill',
      'export',
      '--from',
      '2025-01-03',
      '--to',
      '2026-01-01',
      '--format',
      'ubl',
      '-o',
      folder,
    ];
    const context = await databases.context({ url, now: '2025-02-15' });
    const vatNumber = parseVatNumber('CHE-123.456.788 MWST');
    const refused = (bill: number) => ({
      bill,
      code: 'E_INVOICE_INCOMPLETE',
      message: `Bill ${bill} cannot be an electronic invoice: it has no VAT number of the seller (EN 16931, BR-S-02).`,
      hint: 'Set it for the bills to come with: uncloud provider set --vat-number NUMBER',
    });
    await setProvider(context, { vatNumber });
    await generateBills(context);
    expect(await uncloudJson(export_, { url, code: 3 })).toEqual({
      schema_version: 1,
      files: [5, 6].map((number) => join(folder, `bill-00000${number}.xml`)),
      refused: [refused(3), refused(4)],
    });
    for (const number of [5, 6]) {
      const xml = await readFile(join(folder, `bill-00000${number}.xml`), 'utf8');
      expect(brokenRules(xml)).toEqual([]);
    }
    const one = await uncloudJson(['bill', 'export', '3', '--format', 'ubl', '-o', folder], { url, code: 1 });
    const { bill, ...rest } = refused(3);
    expect(one).toMatchObject({ error: { ...rest, number: bill } });
  });

  it('writes one journal of the bills that are chosen, and what was paid for them', async () => {
    const { url, folder } = await open();
    const { kysely } = await (await databases.context({ url })).db();
    const payment = { bill_id: 1, paid_on: '2025-01-20', amount: 1081, reference: 'bank-1', recorded_at: 0 };
    await kysely.insertInto('payments').values(payment).execute();
    const journal = async (...args: string[]) =>
      (await uncloud(['bill', 'export', '--format', 'hledger', '--output', '-', ...args], { url })).stdout;
    const all = await journal('--all');
    expect(all.match(/^\d.*/gm)).toEqual([
      '2025-01-02 (1) =cmd | Invoice 1  ; user:=cmd, due:2025-01-12',
      '2025-01-20 (1) =cmd | Payment of invoice 1  ; user:=cmd, reference:bank-1',
      '2025-01-02 (2) u2 | Invoice 2  ; user:u2, due:2025-01-12',
      '2025-01-12 (3) =cmd | Credit note 3  ; user:=cmd',
      expect.stringContaining('(4) u2 | Invoice 4'),
    ]);
    expect((await journal('--user', 'u2')).match(/\| .* /g)).toEqual([
      '| Invoice 2  ; user:u2, ',
      '| Invoice 4  ; user:u2, ',
    ]);
    expect((await journal('--currency', 'EUR')).match(/^\d/gm)).toHaveLength(1);
    expect((await journal('3', '1')).match(/\((\d)\)/g)).toEqual(['(3)', '(1)', '(1)']);
    await kysely.updateTable('users').set({ username: 'renamed' }).where('id', '=', 1).execute();
    expect(await journal('--all')).toBe(all);
    const file = join(folder, 'bills.journal');
    const export_ = ['bill', 'export', '--all', '--format', 'hledger', '-o', `${folder}/`];
    for (const _ of ['written', 'left alone']) {
      expect(await uncloud(export_, { url })).toEqual({ code: 0, stdout: `${file}\n`, stderr: '' });
    }
    expect(await readFile(file, 'utf8')).toBe(all);
    await writeFile(file, all.slice(1));
    expect(await uncloud(export_, { url })).toMatchObject({ code: 1, stdout: '' });
  });

  it('refuses what cannot be', async () => {
    const { url, folder } = await open();
    const refusal = async (...args: string[]) => {
      const outcome = await uncloud(['bill', 'export', ...args, '--format', 'csv', '--json'], { url });
      const { error } = JSON.parse(outcome.stdout) as { error: { code: string } };
      return [outcome.code, error.code];
    };
    expect(await refusal('1', '99', '--output', folder)).toEqual([1, 'UNKNOWN_BILL']);
    expect(await stat(folder).catch(({ code }) => code)).toBe('ENOENT');
    expect(await refusal('one', '--output', folder)).toEqual([2, 'INVALID_BILL_NUMBER']);
    expect(await refusal('--output', folder)).toEqual([2, 'SELECTION_UNCLEAR']);
    expect(await refusal('1', '--all', '--output', folder)).toEqual([2, 'SELECTION_UNCLEAR']);
    expect(await refusal('1', '--output', '-')).toEqual([2, 'STDOUT_TAKEN']);
    expect(await uncloud(['bill', 'export', '1', '2', '-o', '-'], { url })).toMatchObject({
      code: 2,
      stdout: '',
    });
    expect(await uncloud(['bill', 'export', '--from', '2999-01-01', '-o', '-'], { url })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('There are no such bills.'),
    });
    const later = (await databases.context({ url })).at('2025-02-05');
    await generateBills(later, { usernames: [parseUsername('u2')], draft: true });
    for (const format of ['hledger', 'ubl']) {
      expect(
        await uncloud(['bill', 'export', 'id:5', '--format', format, '--output', '-'], { url }),
      ).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is a draft') });
    }
    expect(await refusal('1', '--output', join(folder, 'no', 'such.csv'))).toEqual([1, 'FOLDER_MISSING']);
    expect(await refusal('1', '2', '--output', join(folder, 'no'))).toEqual([1, 'FOLDER_MISSING']);
    await writeFile(folder, '');
    expect(await refusal('1', '2', '--output', folder)).toEqual([1, 'FILE_NOT_WRITABLE']);
  });
});
