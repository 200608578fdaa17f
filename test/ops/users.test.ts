import { expect, it } from 'vitest';
import { parseCountry } from '../../src/lib/core/country.ts';
import { parseGroupName } from '../../src/lib/core/group.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { parseEmail, parseUsername } from '../../src/lib/core/user.ts';
import { parseTerritory } from '../../src/lib/core/vat.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { createGroup, listGroups } from '../../src/lib/ops/groups.ts';
import { bootstrapUser, showUser, updateUser } from '../../src/lib/ops/users.ts';
import { describeDatabases } from '../support/databases.ts';
import { listUsers } from '../support/lists.ts';

const NICO = parseUsername('nico');
const NOTHING = { user: {}, address: {}, local: true };
const FULL = {
  user: {
    fullName: parseLine('full_name', 'Nico S.'),
    email: parseEmail('nico@example.net'),
    isStaff: false,
  },
  address: {
    organization: parseLine('organization', 'Beispiel GmbH'),
    street: parseLine('street', 'Hauptstraße 1'),
    city: parseLine('city', 'Köln'),
    postalCode: parseLine('postal_code', '50667'),
    country: parseCountry('DE'),
    vatNumber: parseVatNumber('DE123456789'),
  },
  local: true,
};

describeDatabases('users', (databases) => {
  it('lists the staff, the active users, or the others', async () => {
    const context = await databases.context();
    for (const [name, isStaff] of [
      ['anna', true],
      ['beat', true],
      ['carl', false],
    ] as const) {
      await bootstrapUser(context, parseUsername(name), { ...NOTHING, user: { isStaff } });
    }
    await updateUser(context, parseUsername('beat'), { ...NOTHING, user: { isActive: false } });
    const names = async (filter: Parameters<typeof listUsers>[1]) =>
      (await listUsers(context, filter)).map(({ user }) => user.username);
    expect(await names({})).toEqual(['anna', 'beat', 'carl']);
    expect(await names({ isStaff: true })).toEqual(['anna', 'beat']);
    expect(await names({ isStaff: false })).toEqual(['carl']);
    expect(await names({ isActive: false })).toEqual(['beat']);
    expect(await names({ isStaff: true, isActive: true })).toEqual(['anna']);
  });

  it('bootstraps a new user as staff and without an address', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    const { person, created, changed } = await bootstrapUser(context, NICO, NOTHING);
    expect({ created, changed }).toEqual({ created: true, changed: [] });
    expect(person).toEqual({
      id: 1,
      user: {
        username: 'nico',
        fullName: '',
        email: '',
        language: 'en',
        isStaff: true,
        isActive: true,
        createdAt: context.now,
        directory: null,
      },
      address: null,
    });
  });

  it('bootstraps everything at once, and changes nothing the second time', async () => {
    const context = await databases.context();
    const first = await bootstrapUser(context, NICO, FULL);
    expect(first.person.user).toMatchObject(FULL.user);
    expect(first.person.address).toEqual({ ...FULL.address, vatCheckedOn: null, vatTerritory: null });
    const later = await bootstrapUser(context.at('2025-06-01'), NICO, FULL);
    expect(later).toEqual({ person: first.person, created: false, changed: [] });
  });

  it('leaves the rights of an existing user alone unless told otherwise', async () => {
    const context = await databases.context();
    await bootstrapUser(context, NICO, FULL);
    const kept = await bootstrapUser(context, NICO, NOTHING);
    expect(kept.person.user.isStaff).toBe(false);
    const raised = await bootstrapUser(context, NICO, { ...NOTHING, user: { isStaff: true } });
    expect(raised.person.user.isStaff).toBe(true);
    expect(raised.changed).toEqual(['isStaff']);
  });

  it('gives an address to a user who had none, and writes none for a refusal', async () => {
    const context = await databases.context();
    await bootstrapUser(context, NICO, NOTHING);
    const city = parseLine('city', 'Glarus');
    const refused = { user: { isStaff: false }, address: { city } };
    await expect(updateUser(context, NICO, refused)).rejects.toMatchObject({ code: 'ADDRESS_NEEDS_COUNTRY' });
    expect(await showUser(context, NICO)).toMatchObject({ user: { isStaff: true }, address: null });
    const address = { city, country: parseCountry('CH') };
    const { person, changed } = await updateUser(context, NICO, { user: {}, address });
    expect(person.address).toMatchObject(address);
    expect(changed).toEqual(['city', 'country']);
  });

  it('asks a directory only when it could', async () => {
    const config = { ldap: { url: 'ldap://127.0.0.1:1', base_dn: 'dc=example' } };
    const context = await databases.context({ config });
    await expect(bootstrapUser(context, NICO, { ...NOTHING, local: false })).rejects.toMatchObject({
      code: 'LDAP_UNREACHABLE',
      exit: 75,
    });
    expect(await listUsers(context)).toEqual([]);
    expect((await bootstrapUser(context, NICO, NOTHING)).created).toBe(true);
  });

  it('updates each field, and forgets the check of another VAT number', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    await bootstrapUser(context, NICO, FULL);
    const early = { user: {}, address: { vatCheckedOn: parseDay('2062-01-31') } };
    await expect(updateUser(context, NICO, early)).rejects.toMatchObject({ code: 'VAT_CHECK_IN_FUTURE' });
    const checked = await updateUser(context, NICO, {
      user: { language: 'de', isActive: false },
      address: { vatCheckedOn: parseDay('2025-02-03'), vatTerritory: parseTerritory('DE-78266') },
    });
    expect(checked.person).toMatchObject({
      user: { language: 'de', isActive: false, isStaff: false },
      address: { vatCheckedOn: '2025-02-03', vatTerritory: 'DE-78266' },
    });
    const vatNumber = parseVatNumber('DE999999999');
    const moved = await updateUser(context, NICO, { user: {}, address: { vatNumber } });
    expect(moved.changed).toEqual(['vatNumber', 'vatCheckedOn']);
    expect(moved.person.address).toMatchObject({ vatNumber, vatCheckedOn: null, vatTerritory: 'DE-78266' });
  });

  it('renames a user, who keeps orders and groups, and refuses a name that is taken', async () => {
    const context = await databases.context();
    for (const name of ['nico', 'anna']) await bootstrapUser(context, parseUsername(name), NOTHING);
    await createGroup(context, { name: parseGroupName('Glarus'), owner: NICO });
    const rename = (username: string) =>
      updateUser(context, NICO, { user: { username: parseUsername(username) }, address: {} });
    await expect(rename('anna')).rejects.toMatchObject({ code: 'USERNAME_TAKEN' });
    expect((await rename('nico')).changed).toEqual([]);
    const { person, changed } = await rename('nico.old');
    expect({ id: person.id, name: person.user.username, changed }).toEqual({
      id: 1,
      name: 'nico.old',
      changed: ['username'],
    });
    const groups = await listGroups(context, { username: person.user.username, isActive: undefined });
    expect(groups).toMatchObject([{ name: 'Glarus', owner: 'nico.old' }]);
    await expect(showUser(context, NICO)).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    expect((await bootstrapUser(context, NICO, NOTHING)).created).toBe(true);
  });

  it('refuses unknown users', async () => {
    const context = await databases.context();
    await expect(updateUser(context, NICO, { user: {}, address: {} })).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
    });
    await expect(showUser(context, NICO)).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    expect(await listUsers(context)).toEqual([]);
  });

  it('lists everybody in the order of creation', async () => {
    const context = await databases.context();
    for (const name of ['zoe', 'adam', 'Ümit']) await bootstrapUser(context, parseUsername(name), NOTHING);
    expect((await listUsers(context)).map(({ id, user }) => [id, user.username])).toEqual([
      [1, 'zoe'],
      [2, 'adam'],
      [3, 'Ümit'],
    ]);
  });
});
