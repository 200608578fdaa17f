import { type Day, dayOf } from '../core/instant.ts';
import type { Territory } from '../core/vat.ts';
import {
  parseVatFile,
  VAT_FILE_COLUMNS,
  type VatFile,
  type VatRateEntry,
  type VatWarning,
  vatFileRecord,
} from '../core/vat-file.ts';
import { planVatImport, type VatImportPlan } from '../core/vat-import.ts';
import { SHIPPED_VAT_RATES } from '../core/vat-table.ts';
import { readOrWrite } from '../io/db/database.ts';
import { findVatRates, replaceVatRates } from '../io/db/vat-rates.ts';
import type { Context } from './context.ts';

/** What an import of VAT rates did, or would do. */
export interface VatImport {
  /** Rows of the file, or of the shipped table. */
  readonly recordsRead: number;
  readonly duplicates: number;
  readonly counts: VatImportPlan['counts'];
  readonly warnings: readonly VatWarning[];
}

/**
 * Imports VAT rates from a file, `-` for standard input, an `https://` address, or the shipped table (undefined).
 * Any fault refuses the whole file.
 * @throws INPUT_NOT_FOUND, DOWNLOAD_FAILED, the CSV_… refusals, VAT_FILE_REFUSED, VAT_HISTORY_CHANGE
 */
export async function importVatRates(
  context: Context,
  source: string | undefined,
  { dryRun, allowHistoryChange }: { dryRun: boolean; allowHistoryChange: boolean },
): Promise<VatImport> {
  const file = source === undefined ? SHIPPED : await readVatFile(source);
  const database = await context.db();
  const plan = await readOrWrite(database, { topic: 'vat-rates', dryRun }, async (tx) => {
    const decided = planVatImport(await findVatRates(tx), file.rates, {
      source: source === undefined ? 'shipped' : 'file',
      allowHistoryChange,
      today: dayOf(context.now),
    });
    if (!dryRun) await replaceVatRates(tx, decided.changes);
    return decided;
  });
  return {
    recordsRead: file.recordsRead,
    duplicates: file.duplicates,
    counts: plan.counts,
    warnings: [...file.warnings, ...plan.warnings],
  };
}

/** The stored rates in order of territory and start: all of them, of one territory, in force on a day. */
export async function listVatRates(
  context: Context,
  { territory, on }: { territory?: Territory | undefined; on?: Day | undefined },
): Promise<VatRateEntry[]> {
  const database = await context.db();
  const rates = await database.read(findVatRates);
  return rates.filter(
    (rate) =>
      (territory === undefined || rate.territory === territory) &&
      (on === undefined || (rate.validFrom <= on && (rate.validTo === null || on < rate.validTo))),
  );
}

const SHIPPED: Omit<VatFile, 'rates'> & { readonly rates: readonly VatRateEntry[] } = {
  recordsRead: SHIPPED_VAT_RATES.length,
  duplicates: 0,
  rates: SHIPPED_VAT_RATES,
  warnings: [],
};

async function readVatFile(source: string): Promise<VatFile> {
  const { readCsv } = await import('../io/csv.ts');
  const input = source.includes('://')
    ? await (await import('../io/http.ts')).download(source)
    : await (await import('../io/input.ts')).openInput(source);
  const rows = [];
  for await (const batch of readCsv(input.bytes, { file: input.name, columns: VAT_FILE_COLUMNS })) {
    rows.push(...batch.map(({ line, cells }) => vatFileRecord(line, cells)));
  }
  return parseVatFile(rows, input.name);
}
