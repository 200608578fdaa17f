import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseGroupName } from '../../src/lib/core/group.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { syncGroups } from '../../src/lib/ops/group-sync.ts';
import { addMember, createGroup, listGroups, showGroup, updateGroup } from '../../src/lib/ops/groups.ts';
import { checkLdap } from '../../src/lib/ops/ldap-check.ts';
import { syncUsers } from '../../src/lib/ops/user-sync.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { BASE, dnOf, GROUPS, Slapd, STAFF, whyNoSlapd } from '../support/slapd.ts';

const reason = whyNoSlapd();
if (reason !== null) process.stderr.write(`Groups are not synchronised with a real directory: ${reason}.\n`);

const NAMES = ['nico', 'anna', 'beat'];
const [nico, anna] = [dnOf({ uid: 'nico' }), dnOf({ uid: 'anna' })];
const RESEARCH = `cn=research,${GROUPS}`;
const SALES = `cn=sales,${GROUPS}`;
const OPERATORS = `cn=operators,${GROUPS}`;
const MANY = 10_000;
/** The staff are one entry more of the same kind, which is not wanted as a group. */
const FILTER =
  '(&(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))(!(cn=staff)))';

describe.runIf(reason === null)('groups of a real directory', () => {
  describeDatabases('as groups', (databases) => {
    let slapd: Slapd;
    beforeAll(async () => {
      slapd = await Slapd.start(NAMES.map((uid) => ({ uid })));
      await slapd.change(async (client) => {
        const research = { objectClass: 'groupOfNames', cn: 'research', owner: nico, member: [nico, anna] };
        await client.add(RESEARCH, research);
        const sales = {
          objectClass: 'groupOfUniqueNames',
          cn: 'sales',
          uniqueMember: [anna, `cn=nobody,${BASE}`],
        };
        await client.add(SALES, sales);
        const operators = {
          objectClass: 'posixGroup',
          cn: 'operators',
          gidNumber: '500',
          memberUid: ['beat', 'zoe'],
        };
        await client.add(OPERATORS, operators);
      });
    });
    afterAll(() => slapd.remove());

    const contextWith = async (ldap: Record<string, string> = {}, url?: string): Promise<TestContext> => {
      const settings = { ...slapd.settings, group_base_dn: GROUPS, group_filter: FILTER, ...ldap };
      return databases.context({ config: { ldap: settings }, ...(url === undefined ? {} : { url }) });
    };
    /** With everybody a user. */
    const world = async (ldap: Record<string, string> = {}) => {
      const context = await contextWith(ldap);
      await syncUsers(context, { dryRun: false, prune: false });
      return context;
    };
    const OPTIONS = { owner: parseUsername('nico'), dryRun: false, prune: false };
    const sync = async (context: TestContext, options: Partial<typeof OPTIONS> | { owner: null } = {}) => {
      const { changes, refused, unknown, ...counts } = await syncGroups(context, { ...OPTIONS, ...options });
      return {
        ...counts,
        changes: changes.map(({ action, wanted, added, removed }) =>
          [
            `${action} ${wanted.name}`,
            ...added.map((one) => `+${one}`),
            ...removed.map((one) => `-${one}`),
          ].join(' '),
        ),
        refused: refused.map(({ error }) => error.code),
        unknown: unknown.map(({ group, member }) => `${group}: ${member}`),
      };
    };
    it('are counted before anybody is a user', async () => {
      const { groups } = await checkLdap(await contextWith(), undefined);
      expect(groups).toEqual({
        baseDn: GROUPS,
        filter: FILTER,
        entries: 3,
        members: 6,
        unknown: [
          { group: 'sales', member: `cn=nobody,${BASE}` },
          { group: 'operators', member: 'zoe' },
        ],
        withoutOwner: ['sales', 'operators'],
      });
      expect((await checkLdap(await contextWith(), parseUsername('nico'))).groups).toBeNull();
      expect((await checkLdap(await contextWith({ group_base_dn: '' }), undefined)).groups).toBeNull();
      await expect(
        checkLdap(await contextWith({ group_base_dn: `ou=none,${BASE}` }), undefined),
      ).rejects.toMatchObject({ code: 'LDAP_NO_ENTRY' });
    });

    const groupsOf = async (context: TestContext) => {
      const groups = await listGroups(context, { username: undefined, isActive: undefined });
      const shown = await Promise.all(groups.map(({ name }) => showGroup(context, name)));
      return Object.fromEntries(
        shown.map(({ group, members }) => [
          group.name,
          [
            group.owner,
            ...(group.isActive ? [] : ['inactive']),
            ...members.map(({ username, isAdmin }) => (isAdmin ? `${username}!` : username)),
          ].join(' '),
        ]),
      );
    };
    const UNKNOWN = [`sales: cn=nobody,${BASE}`, 'operators: zoe'];
    const NAMED = { research: 'nico nico anna', sales: 'nico anna', operators: 'nico beat' };
    const NOTHING = { created: 0, updated: 0, deactivated: 0, changes: [], refused: [], unknown: UNKNOWN };

    it('reads all kinds, then has nothing to do', async () => {
      const context = await world();
      const plan = await sync(context, { dryRun: true });
      expect(plan).toEqual({
        ...NOTHING,
        entries: 3,
        created: 3,
        unchanged: 0,
        changes: ['create research +nico +anna', 'create sales +anna', 'create operators +beat'],
      });
      expect(await groupsOf(context)).toEqual({});
      expect(await sync(context)).toEqual(plan);
      expect(await groupsOf(context)).toEqual(NAMED);
      const { group } = await showGroup(context, parseGroupName('research'));
      const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
      expect(group).toMatchObject({ createdAt: context.now, directory: { id, dn: RESEARCH, goneAt: null } });
      expect(await sync(context.at('2026-01-01'))).toEqual({ ...NOTHING, entries: 3, unchanged: 3 });
      expect(await groupsOf(context)).toEqual(NAMED);
    });

    it('refuses new groups without an owner, and says so without a place to search', async () => {
      const context = await world();
      expect(await sync(context, { owner: null })).toMatchObject({
        changes: ['create research +nico +anna'],
        refused: ['GROUP_WITHOUT_OWNER', 'GROUP_WITHOUT_OWNER'],
      });
      await expect(sync(context, { owner: parseUsername('zoe') })).rejects.toMatchObject({
        code: 'UNKNOWN_USER',
      });
      const nowhere = await contextWith({ group_base_dn: '' }, context.url);
      await expect(sync(nowhere)).rejects.toMatchObject({
        code: 'INVALID_LDAP_SETTING',
        message: 'ldap.group_base_dn is empty.',
      });
      const astray = await contextWith({ group_base_dn: `ou=teams,${BASE}` }, context.url);
      await expect(sync(astray)).rejects.toMatchObject({
        code: 'LDAP_NO_ENTRY',
        data: { key: 'ldap.group_base_dn' },
      });
      const malformed = await contextWith({ group_filter: '(cn=' }, context.url);
      await expect(sync(malformed)).rejects.toMatchObject({ data: { key: 'ldap.group_filter' } });
    });

    it('refuses an entry without a name, and takes the others', async () => {
      const context = await world({ group_name_attribute: 'description' });
      try {
        await slapd.set(RESEARCH, 'description', ['research']);
        await slapd.set(SALES, 'description', ['sales']);
        expect(await sync(context)).toMatchObject({
          entries: 3,
          changes: ['create research +nico +anna', 'create sales +anna'],
          refused: ['ENTRY_WITHOUT_NAME'],
        });
      } finally {
        await slapd.set(RESEARCH, 'description', []);
        await slapd.set(SALES, 'description', []);
      }
    });

    it('keeps administrators, follows members, owners and names, and leaves what was made by hand', async () => {
      const context = await world();
      const [research, sales] = [parseGroupName('research'), parseGroupName('sales')];
      await createGroup(context, { name: sales, owner: parseUsername('beat') });
      await addMember(context, sales, { username: parseUsername('nico'), isAdmin: true });
      expect(await sync(context)).toMatchObject({ created: 2, refused: ['GROUP_TAKEN'] });
      await addMember(context, research, { username: parseUsername('anna'), isAdmin: true });
      await addMember(context, research, { username: parseUsername('beat'), isAdmin: true });
      const { group } = await showGroup(context, research);
      try {
        await slapd.set(RESEARCH, 'owner', [anna]);
        await slapd.set(RESEARCH, 'member', [anna, dnOf({ uid: 'NICO' })]);
        await slapd.change((client) => client.modifyDN(RESEARCH, 'cn=laboratory'));
        expect(await sync(context)).toMatchObject({
          changes: ['update laboratory -beat'],
          refused: ['GROUP_TAKEN'],
          unchanged: 1,
        });
        expect(await groupsOf(context)).toEqual({
          laboratory: 'anna nico anna!',
          operators: 'nico beat',
          sales: 'beat nico!',
        });
        expect((await showGroup(context, parseGroupName('laboratory'))).group.id).toBe(group.id);
      } finally {
        await slapd.change((client) => client.modifyDN(`cn=laboratory,${GROUPS}`, 'cn=research'));
        await slapd.set(RESEARCH, 'owner', [nico]);
        await slapd.set(RESEARCH, 'member', [nico, anna]);
      }
    });

    it('knows a member whose entry was renamed since the users were synchronised', async () => {
      const context = await world();
      await sync(context);
      try {
        await slapd.change((client) => client.modifyDN(anna, 'uid=anna.m'));
        await slapd.set(RESEARCH, 'member', [nico, dnOf({ uid: 'anna.m' })]);
        expect(await sync(context)).toMatchObject({
          changes: ['update sales -anna'],
          unknown: [`sales: ${anna}`, ...UNKNOWN],
        });
      } finally {
        await slapd.change((client) => client.modifyDN(dnOf({ uid: 'anna.m' }), 'uid=anna'));
        await slapd.set(RESEARCH, 'member', [nico, anna]);
      }
    });

    it('makes groups inactive that are gone, not all at once, and active when they are back', async () => {
      const context = await world();
      await sync(context);
      const less = await contextWith({ group_filter: '(cn=research)' }, context.url);
      expect(await sync(less)).toMatchObject({ deactivated: 2, unchanged: 1 });
      expect(await groupsOf(context)).toEqual({
        ...NAMED,
        sales: 'nico inactive anna',
        operators: 'nico inactive beat',
      });
      expect(await sync(less)).toMatchObject({ changes: [], unchanged: 1 });
      expect(await sync(context)).toMatchObject({ changes: ['update sales', 'update operators'] });
      expect(await groupsOf(context)).toEqual(NAMED);

      const none = await contextWith({ group_filter: '(cn=nobody)' }, context.url);
      await expect(sync(none)).rejects.toMatchObject({
        code: 'SYNC_BRAKED',
        hint: expect.stringContaining('uncloud group sync --prune'),
      });
      expect(await groupsOf(context)).toEqual(NAMED);
      expect(await sync(none, { prune: true })).toMatchObject({ deactivated: 3 });
      await updateGroup(context, parseGroupName('sales'), { isActive: true });
      expect(await sync(none)).toMatchObject({ changes: [] });
    });

    it('swaps names', async () => {
      const context = await world();
      await sync(context);
      const { kysely } = await context.db();
      for (const [from, to] of [
        ['sales', 'swapped'],
        ['operators', 'sales'],
        ['swapped', 'operators'],
      ] as const)
        await kysely.updateTable('groups').set({ name: to }).where('name', '=', from).execute();
      expect(await sync(context)).toMatchObject({ changes: ['update sales', 'update operators'] });
      expect(await groupsOf(context)).toEqual(NAMED);
    });

    it(`takes ${MANY} members in and out with as many statements as few`, async () => {
      const context = await world({ group_filter: '(cn=many)' });
      const usernames = Array.from({ length: MANY }, (_, number) => `user${number}`);
      const { kysely } = await context.db();
      for (let start = 0; start < MANY; start += 1000) {
        const rows = usernames.slice(start, start + 1000).map((username) => ({ username, created_at: 0 }));
        await kysely.insertInto('users').values(rows).execute();
      }
      const many = `cn=many,${GROUPS}`;
      const attributes = { objectClass: 'posixGroup', cn: 'many', gidNumber: '501' };
      const statementsOf = async (work: () => Promise<unknown>) => {
        let statements = 0;
        const count = () => {
          statements += 1;
          return false;
        };
        await breakDatabase(count, 'before', work);
        return statements;
      };
      const few = await statementsOf(async () => {
        await slapd.change((client) => client.add(many, { ...attributes, memberUid: ['nico'] }));
        expect(await sync(context)).toMatchObject({ created: 1 });
      });
      try {
        await slapd.set(many, 'memberUid', usernames);
        const members = async () => (await showGroup(context, parseGroupName('many'))).group.memberCount;
        expect(await statementsOf(() => sync(context))).toBeLessThan(few + 5);
        expect(await members()).toBe(MANY);
        await slapd.set(many, 'memberUid', ['nico']);
        await expect(sync(context)).rejects.toMatchObject({
          code: 'SYNC_BRAKED',
          data: { lost: MANY, of: MANY },
        });
        expect(await statementsOf(() => sync(context, { prune: true }))).toBeLessThan(few + 5);
        expect(await members()).toBe(1);
      } finally {
        await slapd.change((client) => client.del(many));
      }
    }, 60_000);

    it.each<Moment>(['before', 'after'])(
      'has one effect, whichever statement the database goes away %s',
      async (moment) => {
        /** A group to rename, one to deactivate, one to change, and one that is new. */
        const open = async () => {
          const context = await world();
          await sync(context);
          const { kysely } = await context.db();
          await kysely.updateTable('groups').set({ name: 'old' }).where('name', '=', 'research').execute();
          await kysely.deleteFrom('group_members').execute();
          const { id: user_id } = await kysely
            .selectFrom('users')
            .select('id')
            .where('username', '=', 'beat')
            .executeTakeFirstOrThrow();
          const groups = await kysely.selectFrom('groups').select(['id', 'name']).execute();
          const members = groups.map(({ id: group_id }) => ({ group_id, user_id }));
          await kysely.insertInto('group_members').values(members).execute();
          await kysely
            .updateTable('groups')
            .set({ directory_id: 'gone' })
            .where('name', '=', 'operators')
            .execute();
          await kysely
            .updateTable('groups')
            .set({ name: 'former' })
            .where('name', '=', 'operators')
            .execute();
          return context;
        };
        const usual = await open();
        expect((await sync(usual)).changes).toEqual([
          'update research +nico +anna -beat',
          'update sales +anna -beat',
          'create operators +beat',
          'deactivate former',
        ]);
        const wanted = await groupsOf(usual);

        let statement = 0;
        for (let broke = true; broke; ) {
          statement += 1;
          const { url } = await open();
          const doomed = await contextWith({}, url);
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
          if (broke && failure !== undefined)
            expect(failure, `statement ${statement}`).toMatchObject({ exit: 75 });
          const context = await contextWith({}, url);
          await sync(context);
          expect(await groupsOf(context), `statement ${statement}`).toEqual(wanted);
        }
        expect(statement).toBeGreaterThan(8);
      },
      120_000,
    );

    it('may take the staff for a group, too', async () => {
      const context = await world({ group_filter: '(cn=staff)', staff_group_dn: STAFF });
      expect(await sync(context)).toMatchObject({ changes: ['create staff +nico'] });
    });
  });
});
