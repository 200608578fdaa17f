import type { Transaction } from 'kysely';
import type { Day } from '../../core/instant.ts';
import { type Territory, type VatRate, VatRateTable } from '../../core/vat.ts';
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
