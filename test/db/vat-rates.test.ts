import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatVatRate } from '../../src/lib/core/vat.ts';
import { importVatRates, listVatRates } from '../../src/lib/ops/vat-rates.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { HAS_PUBLIC_VAT_FILE, PUBLIC_VAT_FILE, VAT_FIXTURE } from '../support/vat-files.ts';

const IMPORT = { dryRun: false, allowHistoryChange: false };

describeDatabases('import-vat-rates', (databases) => {
  it('imports a file, and the same file again without a change', async () => {
    const context = await databases.context();
    const planned = await importVatRates(context, VAT_FIXTURE, { ...IMPORT, dryRun: true });
    expect(await listVatRates(context, {})).toEqual([]);
    const first = await importVatRates(context, VAT_FIXTURE, IMPORT);
    expect(first).toEqual(planned);
    const { inserted } = first.counts;
    expect(inserted).toBeGreaterThan(20);
    expect(await listVatRates(context, {})).toHaveLength(inserted);
    const second = await importVatRates(context, VAT_FIXTURE, IMPORT);
    expect(second.counts).toEqual({ inserted: 0, updated: 0, unchanged: inserted });
  });

  it.runIf(HAS_PUBLIC_VAT_FILE || process.env.CI)(
    'imports the public file with its known figures',
    async () => {
      const url = await databases.freshUrl();
      const first = await uncloudJson(['import-vat-rates', PUBLIC_VAT_FILE], { url });
      expect(first).toMatchObject({
        records_read: 241,
        duplicates: 29,
        rates: { inserted: 302, updated: 0, unchanged: 0 },
      });
      const warnings = first.warnings as { code: string }[];
      expect(warnings.filter(({ code }) => code === 'HOLE_CLOSED')).toHaveLength(5);
      const second = await uncloudJson(['import-vat-rates', '-'], {
        url,
        stdin: readFileSync(PUBLIC_VAT_FILE),
      });
      expect(second).toMatchObject({ rates: { inserted: 0, updated: 0, unchanged: 302 } });
    },
  );

  it('imports the shipped table, which knows the rates of today', async () => {
    const context = await databases.context();
    await importVatRates(context, undefined, IMPORT);
    const rates = await listVatRates(context, { on: '2025-10-01' as never });
    const rateOf = Object.fromEntries(rates.map(({ territory, rate }) => [territory, formatVatRate(rate)]));
    expect(rateOf).toMatchObject({
      CH: '0.081',
      DE: '0.19',
      FI: '0.255',
      EE: '0.24',
      NO: '0.25',
      IS: '0.24',
    });
    expect((await importVatRates(context, undefined, IMPORT)).counts).toMatchObject({
      inserted: 0,
      updated: 0,
    });
  });

  it('refuses a change of the past unless it is allowed, and changes nothing then', async () => {
    const context = await databases.context({ now: '2026-01-01' });
    const file = join(databases.folder, 'rates.csv');
    const rates = (rate: string) =>
      `start_date,stop_date,territory_codes,currency_code,rate,rate_type,description\n2020-01-01,,JE,GBP,${rate},standard,\n`;
    writeFileSync(file, rates('0.18'));
    await importVatRates(context, file, IMPORT);
    writeFileSync(file, rates('0.2'));
    await expect(importVatRates(context, file, IMPORT)).rejects.toMatchObject({ code: 'VAT_HISTORY_CHANGE' });
    expect((await listVatRates(context, {})).map(({ rate }) => rate)).toEqual([1800]);
    await importVatRates(context, file, { ...IMPORT, allowHistoryChange: true });
    expect((await listVatRates(context, {})).map(({ rate }) => rate)).toEqual([2000]);
  });

  it('says on which line and column a file is wrong, and stores nothing of it', async () => {
    const url = await databases.freshUrl();
    const stdin =
      'start_date,stop_date,territory_codes,currency_code,rate,rate_type,description\n2020-01-01,,CH,CHF,8.1,standard,percent\n';
    const outcome = await uncloud(['import-vat-rates', '-'], { url, stdin });
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toContain('line 2');
    expect(outcome.stderr).toContain('rate');
    expect(await uncloudJson(['vat-rate', 'list'], { url })).toEqual({ schema_version: 1, rates: [] });
  });

  it('is refused by the database itself when two ranges overlap', async () => {
    const context = await databases.context();
    await importVatRates(context, VAT_FIXTURE, IMPORT);
    const { kysely } = await context.db();
    const [row] = await kysely
      .selectFrom('vat_rates')
      .selectAll()
      .where('valid_to', 'is', null)
      .limit(1)
      .execute();
    if (row === undefined) throw new Error('the fixture has an open range');
    const { id: _, ...copy } = row;
    await expect(
      kysely
        .insertInto('vat_rates')
        .values({ ...copy, valid_from: '9998-01-01' })
        .execute(),
    ).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });
});
