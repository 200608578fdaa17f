import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
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
    expect(await uncloudJson(export_, { url })).toEqual({ schema_version: 1, files });
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
    const again = await uncloud(export_, { url });
    expect(again).toMatchObject({ code: 0 });
    const printed = await uncloud(['bill', 'export', '1', '--output', '-'], { url });
    expect(printed.stdout).toMatch(/^%PDF-1\.7\n.*\n%%EOF\n?$/s);
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
    const one = [...export_.slice(0, 3), '--format', 'csv', '--output', join(folder, 'one.csv')];
    expect(await uncloud(one, { url })).toMatchObject({ code: 0, stdout: `${join(folder, 'one.csv')}\n` });
    const before = await stat(join(folder, 'one.csv'));
    expect(await uncloud(one, { url })).toMatchObject({ code: 0 });
    expect((await stat(join(folder, 'one.csv'))).ino).toBe(before.ino);
    expect(await readdir(folder)).toEqual(['bill-000002.csv', 'one.csv']);
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
    expect(await refusal('--output', folder)).toEqual([2, 'USAGE']);
    expect(await refusal('1', '--output', '-')).toEqual([2, 'STDOUT_TAKEN']);
    expect(await uncloud(['bill', 'export', '1', '2', '-o', '-'], { url })).toMatchObject({
      code: 2,
      stdout: '',
    });
    expect(await refusal('1', '--output', join(folder, 'no', 'such.csv'))).toEqual([1, 'FILE_NOT_WRITABLE']);
    await writeFile(folder, '');
    expect(await refusal('1', '2', '--output', folder)).toEqual([1, 'FILE_NOT_WRITABLE']);
  });
});
