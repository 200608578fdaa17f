import type { Transaction } from 'kysely';
import { checkDayOfCheck } from '../core/address.ts';
import { parseCountry } from '../core/country.ts';
import { refuse } from '../core/errors.ts';
import type { ImportResult } from '../core/import-report.ts';
import { parseDay } from '../core/instant.ts';
import { parseLine } from '../core/line.ts';
import { changedPersonFields, changePerson, type Person, type PersonChange } from '../core/person.ts';
import { newUser, parseEmail, parseLanguage, parseUsername, type Username } from '../core/user.ts';
import { parseVatNumber } from '../core/vat-number.ts';
import { findUserIds } from '../io/db/access.ts';
import {
  findCapitalNames,
  findPeople,
  type PersonWrite,
  preparePeople,
  type StoredPerson,
} from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import { FileKeys } from '../io/db/staged.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import { type ImportOptions, type ImportPlan, importFile } from '../io/import-file.ts';
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
      const names = {
        capital: await findCapitalNames(tx),
        fresh: await FileKeys.create(tx, 'new_names'),
      };
      return {
        async take(rows) {
          const people = await findPeople(tx, rows.flatMap(usernameOf));
          const stored = new Map(people.map((person) => [person.user.username, person]));
          await refuseTwins(tx, rows, stored, names);
          const writes: PersonWrite[] = [];
          for await (const some of inTurns(rows)) {
            for (const row of some) {
              const [username] = usernameOf(row);
              const before = username === undefined ? null : (stored.get(username) ?? null);
              const wanted = decide(row, before, context);
              if (wanted === null) run.refuse(row);
              else if (before !== null && changedPersonFields(before, wanted).length === 0)
                run.report.unchanged += 1;
              else {
                if (before === null) run.report.inserted += 1;
                else run.report.updated += 1;
                writes.push({ stored: before, wanted });
              }
            }
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

/** What names are compared with, case aside. */
interface Names {
  /** Stored before the file, with a capital letter: by what they are in small letters. */
  readonly capital: ReadonlyMap<string, Username>;
  /** Of new users of the file, in small letters. */
  readonly fresh: FileKeys;
}

/**
 * Refuses new users whose names differ in case only from that of another one, stored or of the file. A name is looked
 * up as it is, so both could be there.
 */
async function refuseTwins(
  tx: Transaction<Schema>,
  rows: readonly Row[],
  stored: ReadonlyMap<Username, StoredPerson>,
  { capital, fresh }: Names,
): Promise<void> {
  const added = rows.flatMap((row) => {
    const [username] = usernameOf(row);
    if (username === undefined || stored.has(username)) return [];
    if (row.faults.some(({ field }) => field === 'username')) return [];
    return [{ row, line: row.line, username, key: username.toLowerCase() }];
  });
  const firstLines = await fresh.add(added);
  const capitals = added.flatMap(({ username, key }) => (key === username ? [] : [key as Username]));
  const small = capitals.length === 0 ? new Map() : await findUserIds(tx, capitals);
  for (const { row, line, username, key } of added) {
    const firstLine = firstLines.get(line);
    const twin = capital.get(key) ?? (small.has(key) ? key : undefined);
    if (firstLine !== undefined)
      row.refuse(refuse.USERNAME_CASE({ username, other: { line: firstLine } }), 'username');
    else if (twin !== undefined)
      row.refuse(refuse.USERNAME_CASE({ username, other: { name: twin } }), 'username');
  }
}

/** The person that a row asks for; null when it has faults. */
function decide(row: Row, stored: StoredPerson | null, { now }: Context): Person | null {
  const [username] = usernameOf(row);
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

function usernameOf({ values }: Row): [Username] | [] {
  return values.username === undefined ? [] : [values.username];
}
