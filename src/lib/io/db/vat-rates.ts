import type { Transaction } from 'kysely';
import type { Day } from '../../core/instant.ts';
import { type Territory, type VatRate, VatRateTable } from '../../core/vat.ts';
import type { VatRateEntry, VatRateType } from '../../core/vat-file.ts';
import type { VatRateChange } from '../../core/vat-import.ts';
import { insertRows, isAmong } from './bulk.ts';
import type { Schema } from './schema.ts';

/** The standard rates, the only ones that are charged. */
export async function findVatRateTable(tx: Transaction<Schema>): Promise<VatRateTable> {
  const rows = await tx
    .selectFrom('vat_rates')
    .select(['territory', 'rate', 'valid_from', 'valid_to'])
    .where('rate_type', '=', 'standard')
    .execute();
  return new VatRateTable(
    rows.map((row) => ({
      territory: row.territory as Territory,
      rate: row.rate as VatRate,
      validFrom: row.valid_from as Day,
      validTo: row.valid_to as Day | null,
    })),
  );
}

/** A stored rate with the id of its row. */
export interface StoredRate extends VatRateEntry {
  readonly id: number;
}

/** All rates, of every kind, by territory, kind and start. */
export async function findVatRates(tx: Transaction<Schema>): Promise<StoredRate[]> {
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

/** Replaces rates. What goes is deleted before what comes is inserted, so that at no moment two rates overlap. */
export async function replaceVatRates(
  tx: Transaction<Schema>,
  changes: readonly VatRateChange<StoredRate>[],
): Promise<void> {
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
