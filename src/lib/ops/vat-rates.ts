import type { Transaction } from 'kysely';
import { type Day, dayOf } from '../core/instant.ts';
import type { Territory, VatRate } from '../core/vat.ts';
import {
  parseVatFile,
  VAT_FILE_COLUMNS,
  type VatFile,
  type VatRateEntry,
  type VatRateType,
  type VatWarning,
  vatFileRecord,
} from '../core/vat-file.ts';
import { planVatImport, type VatImportPlan } from '../core/vat-import.ts';
import { SHIPPED_VAT_RATES } from '../core/vat-table.ts';
import { insertRows, isAmong } from '../io/db/bulk.ts';
import { readOrWrite } from '../io/db/database.ts';
import type { Schema } from '../io/db/schema.ts';
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
    const decided = planVatImport(await findRates(tx), file.rates, {
      source: source === undefined ? 'shipped' : 'file',
      allowHistoryChange,
      today: dayOf(context.now),
    });
    if (!dryRun) await apply(tx, decided);
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
  const rates = await database.read(findRates);
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

/** A stored rate with the id of its row. */
interface StoredRate extends VatRateEntry {
  readonly id: number;
}

async function findRates(tx: Transaction<Schema>): Promise<StoredRate[]> {
  const rows = await tx
    .selectFrom('vat_rates')
    .selectAll()
    .orderBy('territory')
    .orderBy('rate_type')
    .orderBy('valid_from')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    territory: row.territory as Territory,
    rateType: row.rate_type as VatRateType,
    validFrom: row.valid_from as Day,
    validTo: row.valid_to as Day | null,
    rate: row.rate as VatRate,
    currency: row.currency,
    description: row.description,
  }));
}

/** What goes is deleted before what comes is inserted, so that at no moment two rates overlap. */
async function apply(tx: Transaction<Schema>, { changes }: VatImportPlan<StoredRate>): Promise<void> {
  const ids = changes.flatMap(({ before }) => before?.id ?? []);
  if (ids.length > 0) {
    await tx
      .deleteFrom('vat_rates')
      .where(isAmong(tx, 'id', ids))
      .execute();
  }
  const columns = {
    territory: 'text',
    rate_type: 'text',
    valid_from: 'date',
    valid_to: 'date',
    rate: 'bigint',
    currency: 'text',
    description: 'text',
  } as const;
  const rows = changes.flatMap(({ after }) => {
    if (after === null) return [];
    const { territory, rateType, validFrom, validTo, rate, currency, description } = after;
    return [[territory, rateType, validFrom, validTo, rate, currency, description]];
  });
  await insertRows(tx, 'vat_rates', columns, rows);
}
