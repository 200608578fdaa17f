import type { Transaction } from 'kysely';
import { parseCountry } from '../core/country.ts';
import { refuse } from '../core/errors.ts';
import { ImportReport, type ImportResult } from '../core/import-report.ts';
import { parseLine } from '../core/line.ts';
import { changedPersonFields, changePerson, type Person, type PersonChange } from '../core/person.ts';
import { newUser, parseEmail, parseUsername, type Username } from '../core/user.ts';
import { parseVatNumber } from '../core/vat-number.ts';
import { findPeople, type PersonWrite, type StoredPerson, savePeople } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import { type ImportRow, readImportRows } from '../io/import-rows.ts';
import { openInput } from '../io/input.ts';
import type { Context } from './context.ts';

const PARSERS = {
  username: parseUsername,
  full_name: (text: string) => parseLine('full_name', text),
  email: parseEmail,
  organization: (text: string) => parseLine('organization', text),
  street: (text: string) => parseLine('street', text),
  city: (text: string) => parseLine('city', text),
  postal_code: (text: string) => parseLine('postal_code', text),
  country: parseCountry,
  vat_number: parseVatNumber,
};

const FORMAT = { parsers: PARSERS, required: ['username'], key: 'username' } as const;

type Row = ImportRow<typeof PARSERS>;

export interface ImportOptions {
  /** Write the good rows although others are refused. */
  readonly partial: boolean;
  /** Decide about every row and write nothing. */
  readonly dryRun: boolean;
}

/**
 * Creates and updates users from a CSV file, told apart by their usernames, in one transaction. Empty cells and
 * absent columns leave what is stored as it is, so an import never removes anything.
 * @param file its path, or `-` for standard input
 * @throws IMPORT_REFUSED for faulty rows unless `partial`, INPUT_NOT_FOUND and the CSV_… refusals
 */
export async function importUsers(
  context: Context,
  file: string,
  { partial, dryRun }: ImportOptions,
): Promise<ImportResult> {
  const database = await context.db();
  const report = new ImportReport();

  const work = async (tx: Transaction<Schema>): Promise<ImportResult> => {
    const input = await openInput(file);
    for await (const rows of readImportRows(input, FORMAT, report)) {
      const people = await findPeople(tx, rows.map(usernameOf));
      const stored = new Map(people.map((person) => [person.user.username, person]));
      const writes = rows.flatMap((row) => decide(row, stored.get(usernameOf(row)) ?? null));
      const isDoomed = report.refusedRows > 0 && !partial;
      if (!dryRun && !isDoomed) await savePeople(tx, writes);
      context.progress(report.rows, null, 'users');
    }
    const result = report.result();
    if (result.refusedRows > 0 && !partial) throw refuse.IMPORT_REFUSED({ file: input.name, ...result });
    return result;
  };
  return dryRun ? database.read(work) : database.write('people', work);

  function decide(row: Row, stored: StoredPerson | null): PersonWrite[] {
    const before: Person = stored ?? { user: newUser(usernameOf(row), context.now), address: null };
    const wanted = report.attempt(row, () => changePerson(before, changeOf(row)));
    if (wanted === undefined) return [];
    if (stored === null) report.inserted += 1;
    else if (changedPersonFields(stored, wanted).length > 0) report.updated += 1;
    else {
      report.unchanged += 1;
      return [];
    }
    return [{ stored, wanted }];
  }
}

function changeOf({ values }: Row): PersonChange {
  const { organization, street, city, country } = values;
  return {
    user: { fullName: values.full_name, email: values.email },
    address: {
      organization,
      street,
      city,
      country,
      postalCode: values.postal_code,
      vatNumber: values.vat_number,
    },
  };
}

function usernameOf({ values }: Row): Username {
  if (values.username === undefined) throw new Error('a row without a username is refused when it is read');
  return values.username;
}
