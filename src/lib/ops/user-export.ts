import { inPages } from '../io/db/pages.ts';
import { findPeoplePage, type StoredPerson } from '../io/db/people.ts';
import { type ExportOptions, type ExportPlan, exportFile } from '../io/export-file.ts';
import type { Context } from './context.ts';

const COLUMNS = [
  'username',
  'full_name',
  'email',
  'organization',
  'street',
  'city',
  'postal_code',
  'country',
  'vat_number',
  'vat_checked_on',
  'language',
] as const;

/**
 * Writes all users as `user import` reads them, in the order of their ids.
 * @returns how many
 * @throws what `exportFile` throws
 */
export async function exportUsers(context: Context, options: ExportOptions): Promise<number> {
  const plan: ExportPlan<(typeof COLUMNS)[number]> = {
    things: 'users',
    columns: COLUMNS,
    async *pages(batch) {
      for await (const people of inPages(batch, findPeoplePage, ({ id }) => id)) yield people.map(rowOf);
    },
  };
  return exportFile(await context.db(), options, plan, context.progress);
}

function rowOf({ user, address }: StoredPerson) {
  return {
    username: user.username,
    full_name: user.fullName,
    email: user.email,
    organization: address?.organization ?? null,
    street: address?.street ?? null,
    city: address?.city ?? null,
    postal_code: address?.postalCode ?? null,
    country: address?.country ?? null,
    vat_number: address?.vatNumber ?? null,
    vat_checked_on: address?.vatCheckedOn ?? null,
    language: user.language,
  };
}
