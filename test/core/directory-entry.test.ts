import { describe, expect, it } from 'vitest';
import { type DirectoryEntry, readGroup, readPerson } from '../../src/lib/core/directory-entry.ts';
import { canonicalDn } from '../../src/lib/core/distinguished-name.ts';
import { refusalOf } from '../support/refusal.ts';

const NAMES = { login: 'uid', mail: 'mail', name: 'displayName' };
const ID = '6f1c2a3e-0000-4000-8000-00000000000a';

function entryOf(attributes: Record<string, string | string[]>, dn = 'uid=nico,dc=x'): DirectoryEntry {
  const pairs = Object.entries({ entryUUID: ID, uid: 'nico', ...attributes });
  return { dn, attributes: new Map(pairs.map(([name, values]) => [name.toLowerCase(), [values].flat()])) };
}

describe('an entry', () => {
  it('is a person with all that it has', () => {
    const attributes = {
      uid: ['nico', 'nschottelius'],
      displayName: ' Nico S. ',
      mail: ['nico@example.net', 'n@example.net'],
      o: 'Example',
      street: 'Gasse 1',
      l: 'Glarus',
      postalCode: '8750',
      c: 'ch',
      entryUUID: ID.toUpperCase(),
    };
    expect(readPerson(entryOf(attributes), NAMES, null)).toEqual({
      id: ID,
      dn: 'uid=nico,dc=x',
      usernames: ['nico', 'nschottelius'],
      change: {
        user: { fullName: 'Nico S.', email: 'nico@example.net', isStaff: undefined },
        address: {
          organization: 'Example',
          street: 'Gasse 1',
          city: 'Glarus',
          postalCode: '8750',
          country: 'CH',
        },
      },
    });
  });

  it('named by one of its logins has that one first', () => {
    const logins = (uid: string[], dn: string) => readPerson(entryOf({ uid }, dn), NAMES, null).usernames;
    expect(logins(['robert', 'bob'], 'UID=Bob,dc=x')).toEqual(['bob', 'robert']);
    expect(logins(['robert', 'bob', 'bo'], 'uid=bo,dc=x')).toEqual(['bo', 'robert', 'bob']);
    expect(logins(['robert', 'bob'], 'cn=bob,dc=x')).toEqual(['robert', 'bob']);
  });

  it('says nothing about what it does not have', () => {
    const { change } = readPerson(entryOf({}), NAMES, null);
    expect(Object.values({ ...change.user, ...change.address }).every((value) => value === undefined)).toBe(
      true,
    );
  });

  it.each<[Record<string, string | string[]>, string, RegExp]>([
    [{ mail: 'Nico <nico@example.net>' }, 'INVALID_EMAIL', /^entry "uid=nico,dc=x", mail: /],
    [{ c: 'Switzerland' }, 'UNKNOWN_COUNTRY', /, c: "Switzerland"/],
    [{ displayName: 'a\nb' }, 'INVALID_TEXT', /, displayName: /],
    [{ uid: 'nico s' }, 'INVALID_USERNAME', /, uid: /],
    [{ uid: [] }, 'ENTRY_WITHOUT_LOGIN', /shows no uid/],
    [{ entryUUID: [] }, 'ENTRY_WITHOUT_ID', /shows no entryUUID/],
    [{ entryUUID: 'nico' }, 'ENTRY_WITHOUT_ID', /shows no entryUUID/],
  ])('with %j is refused', (attributes, code, message) => {
    const refused = refusalOf(() => readPerson(entryOf(attributes), NAMES, null));
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('belongs to the staff when the group says so, by name or by login', () => {
    const isStaff = (attributes: Record<string, string | string[]>) =>
      readPerson(entryOf({}), NAMES, readGroup(entryOf(attributes))).change.user.isStaff;
    expect(isStaff({ member: ['uid=anna,dc=x', 'UID=Nico, DC=X'] })).toBe(true);
    expect(isStaff({ uniqueMember: "uid=nico,dc=x#'0101'B" })).toBe(true);
    expect(isStaff({ memberUid: ['anna', 'nico'] })).toBe(true);
    expect(isStaff({ memberUid: ['Nico'], member: 'uid=nico,dc=y' })).toBe(false);
    expect(isStaff({})).toBe(false);
  });

  it('that is a group names its members in one spelling', () => {
    const { dns, usernames } = readGroup(
      entryOf({ member: ['UID=Anna,DC=X', 'nonsense'], memberUid: 'bob' }),
    );
    expect([...dns]).toEqual([[canonicalDn('uid=anna,dc=x'), 'UID=Anna,DC=X']]);
    expect([...usernames]).toEqual(['bob']);
  });
});
