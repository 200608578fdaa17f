import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../src/lib/core/address.ts';
import { parseCountry } from '../../src/lib/core/country.ts';
import type { DirectoryPerson } from '../../src/lib/core/directory-entry.ts';
import { matchPerson, planSync, usernameFor } from '../../src/lib/core/directory-sync.ts';
import type { RefusedEntry } from '../../src/lib/core/entry-match.ts';
import { refuse } from '../../src/lib/core/errors.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import type { Person } from '../../src/lib/core/person.ts';
import { type DirectoryId, newUser, parseEmail, parseUsername, type User } from '../../src/lib/core/user.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { refusalOf } from '../support/refusal.ts';

const NOW = 1_700_000_000 as Instant;
const LATER = 1_800_000_000 as Instant;

/** A person of the directory: `entry('a', 'anna')` is the entry with the id a. */
function entry(id: string, logins: string | string[], isStaff?: boolean): DirectoryPerson {
  const [first = '', ...others] = [logins].flat();
  return {
    id: id as DirectoryId,
    dn: `uid=${first},dc=x`,
    usernames: [parseUsername(first), ...others.map(parseUsername)],
    change: { user: { email: parseEmail(`${first}@example.net`), isStaff }, address: {} },
  };
}

/** A user as an earlier sync left it; without an id one who is known here only. */
function user(username: string, id: string | null, changes: Partial<User> = {}): Person {
  const email = parseEmail(`${username}@example.net`);
  const directory = id === null ? null : { id: id as DirectoryId, dn: `uid=${username},dc=x`, goneAt: null };
  return { user: { ...newUser(parseUsername(username), NOW), email, directory, ...changes }, address: null };
}

function plan(
  people: readonly DirectoryPerson[],
  users: readonly Person[],
  refused: readonly RefusedEntry[] = [],
) {
  const { changes, brake, ...rest } = planSync({ people, refused }, users, LATER);
  return {
    changes: changes.map(({ action, stored, wanted, fields }) => [
      action,
      stored?.user.username ?? null,
      wanted.user.username,
      fields,
    ]),
    refused: rest.refused.map(({ dn, error }) => [dn, error.code]),
    unchanged: rest.unchanged,
    brake: brake?.data ?? null,
  };
}

const NOTHING = { changes: [], refused: [], unchanged: 0, brake: null };

describe('a sync', () => {
  it('creates who is new and leaves who is the same', () => {
    const people = [entry('a', 'anna'), entry('b', 'bob', true)];
    expect(plan(people, [user('anna', 'a')])).toEqual({
      ...NOTHING,
      changes: [['create', null, 'bob', []]],
      unchanged: 1,
    });
    const { changes } = planSync({ people, refused: [] }, [], NOW);
    expect(changes.map(({ wanted }) => wanted.user)).toEqual([
      { ...user('anna', 'a').user, isStaff: false },
      { ...user('bob', 'b').user, isStaff: true },
    ]);
  });

  it('has nothing to do after it was done', () => {
    const people = [entry('a', 'anna'), entry('b', 'bob', true), entry('c', 'carl')];
    const first = planSync({ people, refused: [] }, [user('carl', null)], NOW);
    const users = first.changes.map(({ wanted }) => wanted);
    expect(plan(people, users)).toEqual({ ...NOTHING, unchanged: 3 });
  });

  it('makes those inactive whose entry is gone, and active again when it is back', () => {
    const users = [user('anna', 'a'), user('bob', 'b'), user('local', null)];
    const gone = planSync({ people: [entry('a', 'anna')], refused: [] }, users, LATER);
    expect(gone.changes.map(({ action, wanted }) => [action, wanted.user])).toEqual([
      [
        'deactivate',
        { ...users[1]?.user, isActive: false, directory: { id: 'b', dn: 'uid=bob,dc=x', goneAt: LATER } },
      ],
    ]);
    const after = gone.changes.map(({ wanted }) => wanted);
    expect(plan([entry('b', 'bob')], after).changes).toEqual([
      ['update', 'bob', 'bob', ['isActive', 'directory']],
    ]);
    expect(plan([], after)).toEqual(NOTHING);
  });

  it('leaves those alone whom staff made inactive, or active again', () => {
    const byHand = user('anna', 'a', { isActive: false });
    expect(plan([entry('a', 'anna')], [byHand])).toEqual({ ...NOTHING, unchanged: 1 });
    expect(plan([], [byHand])).toEqual(NOTHING);
    const kept = user('bob', 'b', { directory: { id: 'b' as DirectoryId, dn: 'uid=bob,dc=x', goneAt: NOW } });
    expect(plan([], [kept])).toEqual(NOTHING);
  });

  it('takes an entry for the user of its name who has none', () => {
    expect(plan([entry('a', 'anna')], [user('anna', null)]).changes).toEqual([
      ['update', 'anna', 'anna', ['directory']],
    ]);
  });

  it('renames, also around a circle', () => {
    const users = [user('anna', 'a'), user('bob', 'b'), user('carl', 'c')];
    const { changes, refused } = plan([entry('a', 'bob'), entry('b', 'anna'), entry('c', 'dora')], users);
    expect(changes.map(([, before, after]) => [before, after])).toEqual([
      ['anna', 'bob'],
      ['bob', 'anna'],
      ['carl', 'dora'],
    ]);
    expect(refused).toEqual([]);
  });

  it('keeps a name that is still one of the logins', () => {
    expect(plan([entry('a', ['anna.m', 'anna'])], [user('anna', 'a')]).changes).toEqual([
      ['update', 'anna', 'anna', ['email', 'directory']],
    ]);
  });

  it('lets somebody new have a name that was given up', () => {
    const { changes, refused } = plan([entry('a', 'anna.m'), entry('n', 'anna')], [user('anna', 'a')]);
    expect(changes.map(([action, before, after]) => [action, before, after])).toEqual([
      ['update', 'anna', 'anna.m'],
      ['create', null, 'anna'],
    ]);
    expect(refused).toEqual([]);
  });

  it('refuses a name that somebody else has, and what hangs on it', () => {
    const users = [user('anna', 'a'), user('bob', 'b'), user('local', null)];
    expect(plan([entry('a', 'bob'), entry('b', 'local'), entry('n', 'anna')], users)).toEqual({
      ...NOTHING,
      refused: [
        ['uid=local,dc=x', 'LOGIN_TAKEN'],
        ['uid=bob,dc=x', 'LOGIN_TAKEN'],
        ['uid=anna,dc=x', 'LOGIN_TAKEN'],
      ],
    });
  });

  it.each([
    [user('anna', 'gone'), 'has whose entry is gone', 'uncloud user update anna --username NEW'],
    [user('anna', null), 'has who is not in the directory', 'uncloud user update anna --username NEW'],
    [user('anna', 'a'), 'has; its own', 'then change the login of one entry'],
  ])('names the way out of a login that is taken (%#)', (holder, why, hint) => {
    const there = holder.user.directory?.id === 'a' ? [entry('a', 'local')] : [];
    const users = [holder, user('bob', 'b'), user('local', null)];
    const { refused } = planSync({ people: [entry('b', 'anna'), ...there], refused: [] }, users, NOW);
    const error = refused.find(({ dn }) => dn === 'uid=anna,dc=x')?.error;
    expect(error?.message).toContain(why);
    expect(error?.hint).toContain(hint);
  });

  it('refuses a login that two entries have, and an entry that replaced another', () => {
    expect(plan([entry('a', 'anna'), entry('b', 'anna')], [user('anna', 'a')])).toEqual({
      ...NOTHING,
      refused: [
        ['uid=anna,dc=x', 'LOGIN_TWICE'],
        ['uid=anna,dc=x', 'LOGIN_TWICE'],
      ],
    });
    expect(plan([entry('new', 'anna')], [user('anna', 'old')])).toEqual({
      ...NOTHING,
      refused: [['uid=anna,dc=x', 'ENTRY_REPLACED']],
    });
  });

  it('makes one inactive whose entry is gone, also where another entry cannot have the login', () => {
    expect(plan([entry('b', 'anna')], [user('anna', 'gone'), user('bob', 'b')])).toMatchObject({
      changes: [['deactivate', 'anna', 'anna', ['isActive', 'directory']]],
      refused: [['uid=anna,dc=x', 'LOGIN_TAKEN']],
    });
  });

  it('takes an entry that stands on two pages once', () => {
    expect(plan([entry('a', 'anna'), entry('a', 'anna')], [])).toMatchObject({
      refused: [],
      changes: [['create', null, 'anna', []]],
    });
  });

  it('makes nobody inactive whose entry could not be read, or might be one without an id', () => {
    const users = [user('anna', 'a'), user('bob', 'b')];
    const error = refuse.INVALID_EMAIL({ email: 'x' });
    const unreadable = { dn: 'uid=anna,dc=x', id: 'a' as DirectoryId, error };
    expect(plan([], users, [unreadable]).changes.map(([action, name]) => [action, name])).toEqual([
      ['deactivate', 'bob'],
    ]);
    expect(plan([], users, [{ ...unreadable, id: null }]).changes).toEqual([]);
  });

  it('makes an address where there is a country, and refuses one that contradicts the VAT number', () => {
    const stored = user('anna', 'a');
    const at = { ...entry('a', 'anna'), change: { user: {}, address: { country: parseCountry('DE') } } };
    const [moved] = planSync({ people: [at], refused: [] }, [stored], NOW).changes;
    expect(moved?.wanted.address?.country).toBe('DE');
    const street = { ...at, change: { user: {}, address: { street: parseLine('street', 'Gasse 1') } } };
    expect(plan([street], [stored]).unchanged).toBe(1);
    const vatNumber = parseVatNumber('12-3456789');
    const address = changeAddress(null, { country: parseCountry('US'), vatNumber });
    expect(plan([at], [{ ...stored, address }])).toEqual({
      ...NOTHING,
      refused: [['uid=anna,dc=x', 'INVALID_VAT_NUMBER']],
    });
  });
});

describe('the brake', () => {
  const many = Array.from({ length: 30 }, (_, n) => user(`user${n}`, `id${n}`, { isStaff: n < 4 }));
  const entries = many.map(({ user: { username } }, n) => entry(`id${n}`, username));

  it.each([
    [30, 30, { lost: 30, of: 30 }],
    [30, 16, { lost: 16, of: 30 }],
    [30, 15, null],
    [3, 3, { lost: 3, of: 3 }],
    [3, 2, null],
    [2, 2, null],
    [11, 10, null],
  ])('of %i users, when %i are gone, says %j', (users, gone, said) => {
    expect(plan(entries.slice(gone, users), many.slice(0, users)).brake).toEqual(said);
  });

  it('holds when the whole staff would lose its rights', () => {
    const demoted = entries.map((one) => ({ ...one, change: { user: { isStaff: false }, address: {} } }));
    expect(plan(demoted, many).brake).toEqual({ lost: 4, of: 4 });
  });
});

describe('a single entry', () => {
  const both = entry('a', ['anna', 'Ann']);

  it('keeps the name of its user, else has the login that was asked for, else the first', () => {
    expect(usernameFor(both, user('Ann', 'a'))).toBe('Ann');
    expect(usernameFor(both, null, parseUsername('aNN'))).toBe('Ann');
    expect(usernameFor(both, user('other', 'a'))).toBe('anna');
  });

  it('is the user of its name who has no entry, or who is linked anew', () => {
    const [own, local, linked] = [user('bob', 'a'), user('anna', null), user('anna', 'b')];
    const match = (people: { own: Person | null; holder: Person | null }, relink?: boolean) =>
      matchPerson(both, people, { relink: relink ?? false });
    expect(match({ own: null, holder: null })).toBeNull();
    expect(match({ own, holder: null })).toBe(own);
    expect(match({ own: null, holder: local })).toBe(local);
    expect(match({ own: null, holder: linked }, true)).toBe(linked);
    expect(refusalOf(() => match({ own: null, holder: linked })).code).toBe('ENTRY_REPLACED');
    expect(refusalOf(() => match({ own, holder: local })).code).toBe('LOGIN_TAKEN');
  });
});
