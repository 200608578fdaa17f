import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DirectoryEntry,
  type GroupEntry,
  type PersonNames,
  readGroupEntry,
  readPersonNames,
} from '../../src/lib/core/directory-entry.ts';
import type { RefusedEntry } from '../../src/lib/core/entry-match.ts';
import { refuse } from '../../src/lib/core/errors.ts';
import { type Group, type Member, parseGroupName } from '../../src/lib/core/group.ts';
import { type GroupState, type KnownUser, planGroupSync } from '../../src/lib/core/group-sync.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { type DirectoryId, parseUsername } from '../../src/lib/core/user.ts';
import { CASES } from '../support/property.ts';

const NOW = 1_700_000_000 as Instant;
const PERSON = { login: 'uid', mail: 'mail', name: 'cn' };

function uuid(id: string): DirectoryId {
  return `00000000-0000-4000-8000-${Buffer.from(id).toString('hex').slice(-12).padStart(12, '0')}` as DirectoryId;
}

function entryOf(id: string, dn: string, attributes: Record<string, string[]>): DirectoryEntry {
  return { dn, attributes: new Map([['entryuuid', [uuid(id)]], ...Object.entries(attributes)]) };
}

const personDn = (name: string) => `uid=${name},ou=people,dc=x`;

/** A group of the directory: `entry('r', 'research', ['anna'])` is the entry with the id r. */
function entry(
  id: string,
  name: string | string[],
  members: readonly string[] = [],
  others: Record<string, string[]> = {},
): GroupEntry {
  const names = [name].flat();
  const attributes = { cn: names, member: members.map(personDn), ...others };
  return readGroupEntry(entryOf(id, `cn=${names[0]},ou=groups,dc=x`, attributes), 'cn');
}

function person(id: string, ...logins: string[]): PersonNames {
  return readPersonNames(entryOf(id, personDn(logins[0] ?? ''), { uid: logins }), PERSON);
}

/** A user as a user sync left it; without an id one who is known here only. */
function user(name: string, id: string | null = name): KnownUser {
  const directory = id === null ? null : { id: uuid(id), dn: personDn(name), goneAt: null };
  return { username: parseUsername(name), directory };
}

/** A group as an earlier sync left it; without an id one that was made by hand. */
function group(
  name: string,
  id: string | null,
  members: readonly string[] = [],
  changes: Partial<Group> = {},
): GroupState {
  const directory = id === null ? null : { id: uuid(id), dn: `cn=${name},ou=groups,dc=x`, goneAt: null };
  const owner = parseUsername('nico');
  return {
    group: { name: parseGroupName(name), owner, isActive: true, directory, ...changes },
    members: members.map((one): Member => ({ username: parseUsername(one), isAdmin: one === 'anna' })),
  };
}

const USERS = ['nico', 'anna', 'beat'].map((name) => user(name));

function plan(
  groups: readonly GroupEntry[],
  stored: readonly GroupState[],
  {
    users = USERS,
    people = [],
    owner = null,
    refused = [],
  }: {
    users?: readonly KnownUser[];
    people?: readonly PersonNames[];
    owner?: string | null;
    refused?: readonly RefusedEntry[];
  } = {},
) {
  const known = { stored, users, owner: owner === null ? null : parseUsername(owner) };
  const { changes, brake, ...rest } = planGroupSync({ groups, refused, people }, known, NOW);
  return {
    changes: changes.map((change) => [
      change.action,
      change.stored?.group.name ?? null,
      `${change.wanted.name} of ${change.wanted.owner}`,
      change.fields.join(' '),
      [...change.added.map((name) => `+${name}`), ...change.removed.map((name) => `-${name}`)].join(' '),
    ]),
    refused: rest.refused.map(({ dn, error }) => [dn, error.code]),
    unknown: rest.unknown.map(({ group: name, member }) => [name, member]),
    unchanged: rest.unchanged,
    brake: brake?.data ?? null,
  };
}

const NOTHING = { changes: [], refused: [], unknown: [], unchanged: 0, brake: null };
const owned = { owner: [personDn('nico')] };

describe('a sync of groups', () => {
  it('creates new ones, changes members, and leaves the same alone', () => {
    const groups = [
      entry('n', 'new', ['anna'], owned),
      entry('c', 'changed', ['anna', 'nico']),
      entry('s', 'same', ['beat']),
    ];
    const stored = [group('changed', 'c', ['beat', 'anna']), group('same', 's', ['beat'])];
    expect(plan(groups, stored)).toEqual({
      ...NOTHING,
      changes: [
        ['create', null, 'new of nico', '', '+anna'],
        ['update', 'changed', 'changed of nico', '', '+nico -beat'],
      ],
      unchanged: 1,
    });
  });

  it('knows members of all kinds, however they are written', () => {
    const groups = [
      entry('g', 'g', [], {
        member: ['UID=Nico, OU=people,DC=x'],
        uniquemember: [`${personDn('anna')}#'0101'B`],
        memberuid: ['beat', 'nico', 'nobody'],
      }),
    ];
    expect(plan(groups, [group('g', 'g')])).toEqual({
      ...NOTHING,
      changes: [['update', 'g', 'g of nico', '', '+nico +anna +beat']],
      unknown: [['g', 'nobody']],
    });
  });

  it('knows members by their entry, also when users were last synchronised under other names', () => {
    const people = [person('anna', 'anna.m', 'anni'), person('beat', 'anna')];
    const groups = [
      entry('g', 'g', ['anna.m', 'nico'], { memberuid: ['anni'] }),
      entry('h', 'h', ['anna'], { memberuid: ['anna'] }),
    ];
    const stored = [group('g', 'g', ['nico', 'anna']), group('h', 'h', ['beat'])];
    expect(plan(groups, stored, { people })).toEqual({ ...NOTHING, unchanged: 2 });
  });

  it('does not take somebody for a user whose entry is gone, though they have one login and place', () => {
    const groups = [entry('g', 'g', ['anna', 'beat'], { memberuid: ['anna', 'local'] })];
    const users = [...USERS, user('local', null)];
    const people = [person('new', 'anna'), person('other', 'local')];
    expect(plan(groups, [group('g', 'g')], { people, users })).toEqual({
      ...NOTHING,
      changes: [['update', 'g', 'g of nico', '', '+beat +local']],
      unknown: [
        ['g', personDn('anna')],
        ['g', 'anna'],
      ],
    });
  });

  it('takes a login that two people have for the one who is called so', () => {
    const people = [person('beat', 'beat', 'robert'), person('rob', 'robert')];
    const users = [...USERS, user('robert', 'rob')];
    for (const order of [people, people.toReversed()]) {
      const groups = [entry('g', 'g', [], { memberuid: ['robert'] })];
      expect(plan(groups, [group('g', 'g', ['robert'])], { people: order, users }).unchanged).toBe(1);
      const turned = { people: order, users: users.toReversed() };
      expect(plan(groups, [group('g', 'g', ['robert'])], turned).unchanged).toBe(1);
    }
  });

  it('lists members who are no users, and takes none of them', () => {
    const users = [...USERS, user('local', null)];
    const groups = [entry('g', 'g', ['zoe', 'local', 'anna'], { memberuid: ['local'] })];
    expect(plan(groups, [group('g', 'g')], { users })).toEqual({
      ...NOTHING,
      changes: [['update', 'g', 'g of nico', '', '+anna +local']],
      unknown: [
        ['g', personDn('zoe')],
        ['g', personDn('local')],
      ],
    });
  });

  it('finds the owner: in the directory, or the present one, or the given one, or none', () => {
    const owner = [personDn('zoe'), personDn('anna'), personDn('nico')];
    const groups = [
      entry('a', 'a', [], { owner }),
      entry('b', 'b', [], { owner: owner.slice(0, 2) }),
      entry('c', 'c', [], { owner: owner.slice(0, 1) }),
      entry('d', 'd', [], { owner }),
      entry('e', 'e'),
    ];
    const stored = [group('a', 'a'), group('b', 'b'), group('c', 'c')];
    const changes = [
      ['update', 'b', 'b of anna', 'owner', ''],
      ['create', null, 'd of anna', '', ''],
    ];
    expect(plan(groups, stored)).toEqual({
      ...NOTHING,
      changes,
      refused: [['cn=e,ou=groups,dc=x', 'GROUP_WITHOUT_OWNER']],
      unchanged: 2,
    });
    expect(plan(groups, stored, { owner: 'beat' })).toEqual({
      ...NOTHING,
      changes: [...changes, ['create', null, 'e of beat', '', '']],
      unchanged: 2,
    });
  });

  it('renames by the id, also around a circle, and keeps a name that is still one of the entry', () => {
    const stored = [group('one', '1'), group('two', '2'), group('three', '3')];
    const groups = [entry('1', 'two'), entry('2', 'one'), entry('3', ['other', 'three'])];
    expect(plan(groups, stored).changes).toEqual([
      ['update', 'one', 'two of nico', 'name directory', ''],
      ['update', 'two', 'one of nico', 'name directory', ''],
      ['update', 'three', 'three of nico', 'directory', ''],
    ]);
  });

  it('refuses a name that a group made by hand has, that two entries have, or that an entry gave back', () => {
    const stored = [group('hand', null, ['anna']), group('left', 'l'), group('kept', 'k')];
    const groups = [
      entry('h', 'hand', [], owned),
      entry('t', 'twin', [], owned),
      entry('u', 'twin', [], owned),
      entry('new', 'left', [], owned),
      entry('k', 'kept'),
    ];
    expect(plan(groups, stored)).toEqual({
      ...NOTHING,
      changes: [['deactivate', 'left', 'left of nico', 'isActive directory', '']],
      refused: [
        ['cn=twin,ou=groups,dc=x', 'GROUP_TWICE'],
        ['cn=twin,ou=groups,dc=x', 'GROUP_TWICE'],
        ['cn=hand,ou=groups,dc=x', 'GROUP_TAKEN'],
        ['cn=left,ou=groups,dc=x', 'GROUP_TAKEN'],
      ],
      unchanged: 1,
    });
  });

  it('makes those inactive whose entry is gone, with their members, and active again when it is back', () => {
    const stored = [group('one', '1', ['anna']), group('two', '2'), group('hand', null)];
    const content = { groups: [entry('2', 'two')], refused: [], people: [] };
    const { changes } = planGroupSync(content, { stored, users: USERS, owner: null }, NOW);
    const directory = { id: uuid('1'), dn: 'cn=one,ou=groups,dc=x', goneAt: NOW };
    expect(changes).toEqual([
      {
        action: 'deactivate',
        stored: stored[0],
        wanted: { name: 'one', owner: 'nico', isActive: false, directory },
        fields: ['isActive', 'directory'],
        added: [],
        removed: [],
      },
    ]);
    const gone = group('one', '1', ['anna'], { isActive: false, directory });
    expect(plan([], [gone])).toEqual(NOTHING);
    expect(plan([entry('1', 'one', ['beat'])], [gone]).changes).toEqual([
      ['update', 'one', 'one of nico', 'isActive directory', '+beat -anna'],
    ]);
  });

  it('leaves those alone that were made inactive, or active again, by hand', () => {
    const off = group('off', 'o', [], { isActive: false });
    expect(plan([entry('o', 'off')], [off])).toEqual({ ...NOTHING, unchanged: 1 });
    const directory = { id: uuid('k'), dn: 'cn=kept', goneAt: NOW };
    expect(plan([], [group('kept', 'k', [], { directory })])).toEqual(NOTHING);
  });

  it('makes none inactive whose entry could not be read, or might be one without an id', () => {
    const stored = [group('one', '1'), group('two', '2')];
    const error = refuse.ENTRY_WITHOUT_NAME({ dn: 'ou=one', attribute: 'cn' });
    const unreadable = { dn: 'ou=one', id: uuid('1'), error };
    const of = (refused: readonly RefusedEntry[]) =>
      plan([], stored, { refused }).changes.map(([, name]) => name);
    expect(of([unreadable])).toEqual(['two']);
    expect(of([{ ...unreadable, id: null }])).toEqual([]);
  });

  it('takes an entry that stands on two pages once', () => {
    const twice = [entry('g', 'g', [], owned), entry('g', 'g', [], owned)];
    expect(plan(twice, [])).toMatchObject({ refused: [], changes: [['create', null, 'g of nico', '', '']] });
  });
});

describe('the brake on groups', () => {
  const names = Array.from({ length: 30 }, (_, n) => `group${n}`);
  const stored = names.map((name) => group(name, name, ['anna']));
  const entries = names.map((name) => entry(name, name, ['anna']));

  it.each([
    [30, 30, { lost: 30, of: 30 }],
    [30, 16, { lost: 16, of: 30 }],
    [30, 15, null],
    [3, 3, { lost: 3, of: 3 }],
    [2, 2, null],
  ])('of %i groups, when %i are gone, says %j', (count, gone, said) => {
    expect(plan(entries.slice(gone, count), stored.slice(0, count)).brake).toEqual(said);
  });

  it('holds when all groups would lose their members', () => {
    const emptied = names.map((name) => entry(name, name));
    expect(plan(emptied, stored).brake).toEqual({ lost: 30, of: 30 });
    expect(plan([...entries.slice(0, 15), ...emptied.slice(15)], stored).brake).toBeNull();
  });
});

it('has nothing to do after it was done, whatever was there before', { timeout: 120_000 }, () => {
  const people = ['nico', 'anna', 'beat', 'zoe'];
  const ids = ['a', 'b', 'c', 'd'];
  const groupNames = ['one', 'two', 'three', 'four'];
  const members = fc.uniqueArray(fc.constantFrom(...people.slice(0, 3)));
  const entries = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom(...ids),
      name: fc.constantFrom(...groupNames),
      members: fc.uniqueArray(fc.constantFrom(...people)),
      owner: fc.option(fc.constantFrom(...people)),
    }),
    { selector: ({ id }) => id },
  );
  const groups = fc
    .tuple(
      fc.uniqueArray(fc.option(fc.constantFrom(...ids), { freq: 4 }), {
        selector: (id) => id ?? Symbol(),
        maxLength: 4,
      }),
      fc.shuffledSubarray(groupNames, { minLength: 4 }),
      fc.array(members, { minLength: 4, maxLength: 4 }),
    )
    .map(([links, names, all]) => links.map((id, at) => group(names[at] ?? '', id, all[at])));
  fc.assert(
    fc.property(entries, groups, (found, stored) => {
      const content = {
        groups: found.map(({ id, name, members: all, owner }) =>
          entry(id, name, all, owner === null ? {} : { owner: [personDn(owner)] }),
        ),
        refused: [],
        people: [],
      };
      const first = planGroupSync(content, { stored, users: USERS, owner: null }, NOW);
      const changed = new Map(first.changes.map((change) => [change.stored, change]));
      const kept = stored.map((one): GroupState => {
        const change = changed.get(one);
        if (change === undefined) return one;
        const left = one.members.filter(({ username }) => !change.removed.includes(username));
        const joined = change.added.map((username) => ({ username, isAdmin: false }));
        return { group: change.wanted, members: [...left, ...joined] };
      });
      const made = first.changes
        .filter(({ action }) => action === 'create')
        .map(({ wanted, added }) => ({
          group: wanted,
          members: added.map((username) => ({ username, isAdmin: false })),
        }));
      const after = [...kept, ...made];
      const inUse = after.map(({ group: { name } }) => name);
      expect(new Set(inUse).size).toBe(inUse.length);
      for (const [at, one] of stored.entries()) if (one.group.directory === null) expect(kept[at]).toBe(one);
      const again = planGroupSync(content, { stored: after, users: USERS, owner: null }, NOW);
      expect(again.refused.length + again.unchanged).toBe(found.length);
      expect(again.changes).toEqual([]);
    }),
    { numRuns: CASES / 50 },
  );
});
