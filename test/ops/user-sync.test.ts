import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseUsername } from '../../src/lib/core/user.ts';
import { checkLdap } from '../../src/lib/ops/ldap-check.ts';
import { syncUsers } from '../../src/lib/ops/user-sync.ts';
import { bootstrapUser, showUser } from '../../src/lib/ops/users.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listUsers } from '../support/lists.ts';
import { BASE, dnOf, PEOPLE, type Person, Slapd, STAFF, whyNoSlapd } from '../support/slapd.ts';

const reason = whyNoSlapd();
if (reason !== null) process.stderr.write(`Users are not synchronised with a real directory: ${reason}.\n`);

const NICO: Person = { uid: 'nico', cn: 'Nico S.', mail: 'nico@example.net', l: 'Glarus', c: 'CH' };
const ANNA: Person = { uid: 'anna', cn: 'Anna Müller', mail: 'anna@example.net' };
const BOB: Person = { uid: ['bob', 'robert'], cn: 'Bob', street: 'Main street 1' };
const ALL = { dryRun: false, prune: false };
/** People without their ids, which count up with every try. */
function peopleOf(people: Awaited<ReturnType<typeof listUsers>>) {
  return people
    .map(({ user, address }) => ({ user, address }))
    .toSorted((one, other) => (one.user.username < other.user.username ? -1 : 1));
}

const ASK = { user: {}, address: {}, local: false };

describe.runIf(reason === null)('people of a real directory', () => {
  describeDatabases('as users', (databases) => {
    let slapd: Slapd;
    beforeAll(async () => {
      slapd = await Slapd.start([NICO, ANNA, BOB]);
    });
    afterAll(() => slapd.remove());

    const contextWith = (ldap: Record<string, string> = {}): Promise<TestContext> =>
      databases.context({ config: { ldap: { ...slapd.settings, ...ldap } } });
    const sync = async (context: TestContext, options = ALL) => {
      const { changes, refused, ...counts } = await syncUsers(context, options);
      return {
        ...counts,
        changes: changes.map(({ action, wanted }) => `${action} ${wanted.user.username}`),
        refused: refused.map(({ error }) => error.code),
      };
    };
    /** Runs with other entries for a while. */
    const meanwhile = async (
      change: () => Promise<void>,
      back: () => Promise<void>,
      work: () => Promise<void>,
    ) => {
      await change();
      try {
        await work();
      } finally {
        await back();
      }
    };

    it('bootstraps one with what the directory has, and again without a change', async () => {
      const context = await contextWith();
      const { person, created } = await bootstrapUser(context, parseUsername('NICO'), ASK);
      expect(created).toBe(true);
      expect(person).toMatchObject({
        user: {
          username: 'nico',
          fullName: 'Nico S.',
          email: 'nico@example.net',
          isStaff: true,
          directory: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), dn: dnOf(NICO), goneAt: null },
        },
        address: { city: 'Glarus', country: 'CH' },
      });
      const again = await bootstrapUser(context.at('2026-06-01'), parseUsername('nico'), ASK);
      expect(again).toEqual({ person, created: false, changed: [] });
    });

    it('bootstraps nobody whom the directory does not know, but for --no-ldap', async () => {
      const context = await contextWith();
      const zoe = parseUsername('zoe');
      await expect(bootstrapUser(context, zoe, ASK)).rejects.toMatchObject({
        code: 'NOT_IN_DIRECTORY',
        exit: 1,
      });
      expect(await listUsers(context)).toEqual([]);
      const { person } = await bootstrapUser(context, zoe, { ...ASK, local: true });
      expect(person.user.directory).toBeNull();
    });

    it('lets flags outweigh the directory, and the group decide about the staff', async () => {
      const context = await contextWith({ staff_group_dn: STAFF });
      const bob = await bootstrapUser(context, parseUsername('robert'), ASK);
      expect(bob.person).toMatchObject({ user: { username: 'robert', isStaff: false }, address: null });
      const nico = await bootstrapUser(context, parseUsername('nico'), { ...ASK, user: { isStaff: false } });
      expect(nico.person.user.isStaff).toBe(false);
      expect(await sync(context)).toMatchObject({ changes: ['update nico', 'create anna'], unchanged: 1 });
      expect((await showUser(context, parseUsername('nico'))).user.isStaff).toBe(true);
    });

    it('synchronises everybody, then has nothing to do', async () => {
      const context = await contextWith();
      const plan = await sync(context, { ...ALL, dryRun: true });
      expect(plan).toEqual({
        entries: 3,
        created: 3,
        updated: 0,
        deactivated: 0,
        unchanged: 0,
        changes: ['create nico', 'create anna', 'create bob'],
        refused: [],
      });
      expect(await listUsers(context)).toEqual([]);
      expect(await sync(context)).toEqual(plan);
      const users = await listUsers(context);
      expect(users.map(({ user, address }) => [user.username, user.isStaff, address?.city ?? null])).toEqual([
        ['nico', false, 'Glarus'],
        ['anna', false, null],
        ['bob', false, null],
      ]);
      expect(await sync(context.at('2026-01-01'))).toMatchObject({ changes: [], unchanged: 3 });
      expect(await listUsers(context)).toEqual(users);
    });

    it('takes over those who were there before, renames, deactivates and brings back', async () => {
      const context = await contextWith();
      await bootstrapUser(context, parseUsername('anna'), { ...ASK, local: true });
      expect(await sync(context)).toMatchObject({ created: 2, updated: 1 });
      const { id } = await showUser(context, parseUsername('anna'));

      const rename = (from: string, to: string) =>
        slapd.change((client) => client.modifyDN(`uid=${from},${PEOPLE}`, `uid=${to}`));
      await meanwhile(
        () => rename('anna', 'anna.m'),
        () => rename('anna.m', 'anna'),
        async () => {
          expect(await sync(context)).toMatchObject({ changes: ['update anna.m'] });
          expect((await showUser(context, parseUsername('anna.m'))).id).toBe(id);
        },
      );
      await sync(context);

      const move = (to: string) =>
        slapd.change((client) =>
          client.modifyDN(to === BASE ? dnOf(BOB) : `uid=bob,${BASE}`, `uid=bob,${to}`),
        );
      await meanwhile(
        () => move(BASE),
        () => move(PEOPLE),
        async () => {
          expect(await sync(context)).toMatchObject({ changes: ['deactivate bob'] });
          expect((await showUser(context, parseUsername('bob'))).user).toMatchObject({
            isActive: false,
            directory: { goneAt: context.now },
          });
          expect(await sync(context)).toMatchObject({ changes: [], unchanged: 2 });
        },
      );
      expect(await sync(context)).toMatchObject({ changes: ['update bob'] });
      expect((await showUser(context, parseUsername('bob'))).user).toMatchObject({
        isActive: true,
        directory: { goneAt: null },
      });
    });

    it('does not let an emptied directory deactivate everybody, unless that is meant', async () => {
      const context = await contextWith();
      await sync(context);
      const nobody = await databases.context({
        url: context.url,
        config: { ldap: { ...slapd.settings, user_filter: '(uid=nobody)' } },
      });
      await expect(sync(nobody)).rejects.toMatchObject({ code: 'SYNC_BRAKED', data: { lost: 3, of: 3 } });
      await expect(sync(nobody, { dryRun: true, prune: false })).rejects.toMatchObject({
        code: 'SYNC_BRAKED',
      });
      expect((await listUsers(context)).every(({ user }) => user.isActive)).toBe(true);
      expect(await sync(nobody, { dryRun: false, prune: true })).toMatchObject({ deactivated: 3 });
      expect(await sync(context)).toMatchObject({ updated: 3 });
    });

    it('refuses single entries and does the others; an entry made anew needs a word', async () => {
      const context = await contextWith();
      await sync(context);
      await meanwhile(
        () => slapd.set(dnOf(NICO), 'mail', ['not a mail address']),
        () => slapd.set(dnOf(NICO), 'mail', ['nico@example.net']),
        async () => {
          expect(await sync(context)).toMatchObject({
            changes: [],
            refused: ['INVALID_EMAIL'],
            unchanged: 2,
          });
          await expect(bootstrapUser(context, parseUsername('nico'), ASK)).rejects.toMatchObject({
            code: 'INVALID_EMAIL',
            message: expect.stringContaining(`entry "${dnOf(NICO)}", mail: "not a mail address"`),
          });
        },
      );
      await slapd.drop('anna');
      await slapd.add(ANNA);
      expect(await sync(context)).toMatchObject({ changes: [], refused: ['ENTRY_REPLACED'] });
      const anna = parseUsername('anna');
      await expect(bootstrapUser(context, anna, ASK)).rejects.toMatchObject({ code: 'ENTRY_REPLACED' });
      expect(await bootstrapUser(context, anna, { ...ASK, relink: true })).toMatchObject({
        changed: ['directory'],
      });
      expect(await sync(context)).toMatchObject({ changes: [], refused: [], unchanged: 3 });
    });

    it.each<Moment>(['before', 'after'])(
      'has one effect, whichever statement the database goes away %s',
      async (moment) => {
        /** Somebody to rename, to deactivate, to link and to leave alone, and somebody new. */
        const open = async () => {
          const context = await contextWith();
          await sync(context);
          const { kysely } = await context.db();
          const rename = kysely.updateTable('users').set({ username: 'old' }).where('username', '=', 'nico');
          await rename.execute();
          const gone = { username: 'gone', directory_id: 'gone', directory_dn: 'uid=gone', created_at: 0 };
          await kysely.insertInto('users').values(gone).execute();
          await kysely.deleteFrom('users').where('username', '=', 'bob').execute();
          return context;
        };
        const usual = await open();
        const done = await sync(usual);
        expect(done.changes).toEqual(['update nico', 'create bob', 'deactivate gone']);
        const wanted = peopleOf(await listUsers(usual));

        let statement = 0;
        for (let broke = true; broke; ) {
          statement += 1;
          const { url } = await open();
          const config = { ldap: slapd.settings };
          const doomed = await databases.context({ url, config });
          let failure: unknown;
          const run = () =>
            sync(doomed).catch((error: unknown) => {
              failure = error;
            });
          broke = await breakDatabase((_, count) => count === statement, moment, run);
          await doomed.db().then(
            (database) => database.close(),
            () => {},
          );
          if (broke && failure !== undefined) {
            expect(failure, `statement ${statement}`).toMatchObject({ exit: 75 });
          }
          const context = await databases.context({ url, config });
          await sync(context);
          expect(peopleOf(await listUsers(context)), `statement ${statement}`).toEqual(wanted);
        }
        expect(statement).toBeGreaterThan(6);
      },
      120_000,
    );

    it('refuses a login of two entries', async () => {
      const context = await contextWith({ base_dn: BASE });
      const twin = `uid=anna,ou=groups,${BASE}`;
      await meanwhile(
        () =>
          slapd.change((client) =>
            client.add(twin, { objectClass: 'inetOrgPerson', uid: 'anna', cn: 'A', sn: 'A' }),
          ),
        () => slapd.change((client) => client.del(twin)),
        async () => {
          await expect(bootstrapUser(context, parseUsername('anna'), ASK)).rejects.toMatchObject({
            code: 'LOGIN_TWICE',
          });
          expect(await sync(context)).toMatchObject({ created: 2, refused: ['LOGIN_TWICE', 'LOGIN_TWICE'] });
        },
      );
    });

    it('shows what it would read, and is down when it is', async () => {
      const context = await contextWith({ staff_group_dn: STAFF });
      const report = await checkLdap(context, undefined);
      expect(report).toMatchObject({
        tls: 'TLSv1.3',
        staffGroup: { dn: STAFF, members: 1 },
        refused: [],
        filter: '(&(objectClass=inetOrgPerson)(uid=*))',
      });
      expect(report.people.map(({ usernames }) => usernames.join(' ')).toSorted()).toEqual([
        'anna',
        'bob robert',
        'nico',
      ]);
      const one = await checkLdap(context, parseUsername('anna'));
      expect(one.people.map(({ dn }) => dn)).toEqual([dnOf(ANNA)]);
      await slapd.stop();
      try {
        await expect(sync(context)).rejects.toMatchObject({ code: 'LDAP_UNREACHABLE', exit: 75 });
      } finally {
        await slapd.resume();
      }
    });
  });
});
