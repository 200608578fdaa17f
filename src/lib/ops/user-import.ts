import { checkDayOfCheck } from '../core/address.ts';
import { parseCountry } from '../core/country.ts';
import { refuse } from '../core/errors.ts';
import type { ImportResult } from '../core/import-report.ts';
import { parseDay } from '../core/instant.ts';
import { parseLine } from '../core/line.ts';
import { changedPersonFields, changePerson, type Person, type PersonChange } from '../core/person.ts';
import { newUser, parseEmail, parseLanguage, parseUsername, type Username } from '../core/user.ts';
import { parseVatNumber } from '../core/vat-number.ts';
import { NameTwins } from '../io/db/name-twins.ts';
import { findPeople, type PersonWrite, preparePeople, type StoredPerson } from '../io/db/people.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import { type ImportOptions, type ImportPlan, type ImportRun, importFile } from '../io/import-file.ts';
import type { ImportRow } from '../io/import-rows.ts';
import { inTurns } from '../io/turns.ts';
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
  vat_checked_on: parseDay,
  language: parseLanguage,
};

type Row = ImportRow<typeof PARSERS>;

/**
 * Creates and updates users from a file, told apart by their usernames, in one transaction. Empty cells and absent
 * columns leave what is stored as it is, so an import never removes anything.
 * @throws what `importFile` throws
 */
export async function importUsers(context: Context, options: ImportOptions): Promise<ImportResult> {
  const plan: ImportPlan<typeof PARSERS> = {
    things: 'users',
    topic: 'people',
    format: { parsers: PARSERS, required: ['username'] },
    key: { column: 'username', of: ({ values }) => values.username },
    begin: async (tx, run) => {
      const names = new NameTwins(tx, run.keys);
      return {
        async take(rows) {
          const people = await findPeople(
            tx,
            rows.flatMap(({ values }) => values.username ?? []),
          );
          const stored = new Map(people.map((person) => [person.user.username, person]));
          await refuseTwins(rows, stored, names);
          const writes: PersonWrite[] = [];
          for await (const some of inTurns(rows)) {
            writes.push(...some.flatMap((row) => writesOf(row, stored, run, context)));
          }
          return run.writes ? preparePeople(tx, writes) : undefined;
        },
        async end() {
          if (!run.writes || run.report.inserted === 0) return;
          await takeStatistics(tx, 'users', ['id', 'username', 'is_staff', 'is_active', 'directory_id']);
          await takeStatistics(tx, 'billing_addresses', ['user_id']);
        },
      };
    },
  };
  return importFile(await context.db(), options, plan, context.progress);
}

/**
 * Refuses new users whose names differ in case only from that of another one, stored or of the file. A name is looked
 * up as it is, so both could be there.
 */
async function refuseTwins(
  rows: readonly Row[],
  stored: ReadonlyMap<Username, StoredPerson>,
  names: NameTwins,
): Promise<void> {
  const added = rows.flatMap((row) => {
    const { username } = row.values;
    if (username === undefined || stored.has(username)) return [];
    if (row.faults.some(({ field }) => field === 'username')) return [];
    return [{ row, line: row.line, username }];
  });
  const twins = await names.find(added);
  if (twins.size === 0) return;
  for (const { row, line, username } of added) {
    const other = twins.get(line);
    if (other !== undefined) row.refuse(refuse.USERNAME_CASE({ username, other }), 'username');
  }
}

/** Refuses or counts a row, and returns what comes of it. */
function writesOf(
  row: Row,
  stored: ReadonlyMap<Username, StoredPerson>,
  run: ImportRun<typeof PARSERS>,
  context: Context,
): PersonWrite[] {
  const { username } = row.values;
  const before = username === undefined ? null : (stored.get(username) ?? null);
  const wanted = decide(row, before, context);
  if (wanted === null) {
    run.refuse(row);
    return [];
  }
  if (before === null) run.report.inserted += 1;
  else if (changedPersonFields(before, wanted).length > 0) run.report.updated += 1;
  else {
    run.report.unchanged += 1;
    return [];
  }
  return [{ stored: before, wanted }];
}

/** The person that a row asks for; null when it has faults. */
function decide(row: Row, stored: StoredPerson | null, { now }: Context): Person | null {
  const { username } = row.values;
  const isFaulty = row.faults.length > 0;
  // What country and VAT number are to each other can be told only when who it is and the country are known.
  if (username === undefined) return null;
  if (row.faults.some(({ field }) => field === 'username' || field === 'country')) return null;
  const before: Person = stored ?? { user: newUser(username, now), address: null };
  const change = changeOf(row);
  const wanted = row.attempt(() => {
    checkDayOfCheck(change.address, now);
    return changePerson(before, change);
  });
  return isFaulty ? null : (wanted ?? null);
}

function changeOf({ values }: Row): PersonChange {
  const { organization, street, city, country } = values;
  return {
    user: { fullName: values.full_name, email: values.email, language: values.language },
    address: {
      organization,
      street,
      city,
      country,
      postalCode: values.postal_code,
      vatNumber: values.vat_number,
      vatCheckedOn: values.vat_checked_on,
    },
  };
}
