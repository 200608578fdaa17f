import { expect, it } from 'vitest';
import { type DirectoryId, newUser, parseUsername } from '../../src/lib/core/user.ts';
import { findPeople, savePeople } from '../../src/lib/io/db/people.ts';
import { describeDatabases } from '../support/databases.ts';

describeDatabases('people in the database', (databases) => {
  it('swap names and pass them on, in one go', async () => {
    const context = await databases.context();
    const database = await context.db();
    const names = ['anna', 'bea', 'carl'].map(parseUsername);
    const added = names.map((name) => ({
      stored: null,
      wanted: { user: newUser(name, context.now), address: null },
    }));
    await database.write('people', (tx) => savePeople(tx, added));
    const stored = await database.read((tx) => findPeople(tx));
    const after = ['bea', 'anna', 'dora'].map(parseUsername);
    await database.write('people', async (tx) => {
      const changes = stored.flatMap((person, index) => {
        const username = after[index];
        return username
          ? [{ stored: person, wanted: { ...person, user: { ...person.user, username } } }]
          : [];
      });
      await savePeople(tx, changes);
    });
    const found = await database.read((tx) => findPeople(tx));
    expect(found.map(({ id, user }) => [id, user.username])).toEqual(
      stored.map(({ id }, n) => [id, after[n]]),
    );
  });

  it('are each another entry of the directory', async () => {
    const context = await databases.context();
    const database = await context.db();
    const directory = { id: 'one' as DirectoryId, dn: 'uid=anna,dc=example', goneAt: null };
    const person = (name: string) => ({
      stored: null,
      wanted: { user: { ...newUser(parseUsername(name), context.now), directory }, address: null },
    });
    await database.write('people', (tx) => savePeople(tx, [person('anna')]));
    const [anna] = await database.read((tx) => findPeople(tx));
    expect(anna?.user.directory).toEqual(directory);
    await expect(database.write('people', (tx) => savePeople(tx, [person('bea')]))).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
    });
  });
});
