import type { Transaction } from 'kysely';
import type { Country } from '../../core/country.ts';
import type { Iban } from '../../core/iban.ts';
import type { Line } from '../../core/line.ts';
import type { Provider } from '../../core/provider.ts';
import type { VatNumber } from '../../core/vat-number.ts';
import type { Schema } from './schema.ts';

/** The id of the one row that the table of providers may hold. */
const ONLY = 1;

/** The seller, or null before one was set up. */
export async function findProvider(tx: Transaction<Schema>): Promise<Provider | null> {
  const row = await tx.selectFrom('providers').selectAll().where('id', '=', ONLY).executeTakeFirst();
  if (row === undefined) return null;
  const registrations = await tx
    .selectFrom('provider_registrations')
    .select('country')
    .where('provider_id', '=', ONLY)
    .execute();
  return {
    name: row.name as Line,
    street: row.street as Line,
    city: row.city as Line,
    postalCode: row.postal_code as Line,
    country: row.country as Country | null,
    vatNumber: row.vat_number as VatNumber,
    iban: row.iban as Iban,
    oss: row.oss,
    registeredIn: registrations.map(({ country }) => country as Country).sort(),
  };
}

/** Writes the seller, with exactly these registrations. */
export async function saveProvider(tx: Transaction<Schema>, provider: Provider): Promise<void> {
  const { name, street, city, postalCode, country, vatNumber, iban, oss, registeredIn } = provider;
  const row = { name, street, city, postal_code: postalCode, country, vat_number: vatNumber, iban, oss };
  await tx
    .insertInto('providers')
    .values({ id: ONLY, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
  await tx.deleteFrom('provider_registrations').where('provider_id', '=', ONLY).execute();
  if (registeredIn.length === 0) return;
  await tx
    .insertInto('provider_registrations')
    .values(registeredIn.map((registered) => ({ provider_id: ONLY, country: registered })))
    .execute();
}

/** Adds the seller's row, with nothing in it yet, unless it is there. */
export async function addEmptyProvider(tx: Transaction<Schema>): Promise<void> {
  await tx
    .insertInto('providers')
    .values({ id: ONLY })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
