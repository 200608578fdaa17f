import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { entry, honest, LdapServer, result, type Script, SEARCH } from '../support/ldap-server.ts';

/** A directory with these logins and addresses; the id of each is its place in the list. */
function directoryOf(...people: readonly (readonly [login: string, mail: string] | null)[]): Script {
  return (request, socket) => {
    if (request.operation !== SEARCH) return honest(request, socket);
    const entries = people.flatMap((person, place) => {
      if (person === null) return [];
      const [uid, mail] = person;
      const entryUUID = `00000000-0000-4000-8000-00000000000${place}`;
      return [
        entry(request, `uid=${uid},dc=example`, { uid, mail, cn: `${uid} Example`, c: 'CH', entryUUID }),
      ];
    });
    socket.write(Buffer.concat([...entries, result(request)]));
  };
}

describeDatabases('people of a directory at the command line', (databases) => {
  /** Runs one command against a directory that answers so. */
  async function run(words: string, script: Script, url: string, groups?: string) {
    const server = await LdapServer.start(script);
    const environment = {
      UNCLOUD_LDAP_URL: `ldap://127.0.0.1:${server.port}`,
      UNCLOUD_LDAP_BASE_DN: 'dc=example',
      ...(groups === undefined ? {} : { UNCLOUD_LDAP_GROUP_BASE_DN: groups }),
    };
    try {
      return await uncloud(words.split(' '), { url, environment });
    } finally {
      await server.stop();
    }
  }

  it('user sync plans, does, and has nothing to do', async () => {
    const url = await databases.freshUrl();
    const first = directoryOf(
      ['anna', 'anna@example.net'],
      ['bob', 'bob@example.net'],
      ['carl', 'carl at home'],
    );
    const stdout =
      'USERNAME  ACTION  CHANGES\nanna      create\nbob       create\n' +
      'ENTRY                REFUSED BECAUSE\n' +
      'uid=carl,dc=example  entry "uid=carl,dc=example", mail: "carl at home" is not a mail address.\n';
    expect(await run('user sync --dry-run --exit-code', first, url)).toEqual({
      code: 3,
      stdout,
      stderr: 'Would be: 2 created, 0 updated, 0 deactivated, 0 unchanged, 1 refused.\n',
    });
    expect(await run('user sync', first, url)).toEqual({
      code: 3,
      stdout,
      stderr: 'Users: 2 created, 0 updated, 0 deactivated, 0 unchanged, 1 refused.\n',
    });
    const second = directoryOf(['anna.m', 'anna@example.net'], null, ['carl', 'carl@example.net']);
    expect(await run('user sync --dry-run --exit-code', second, url)).toEqual({
      code: 4,
      stdout:
        'USERNAME  ACTION      CHANGES\n' +
        'anna.m    update      was anna, full_name, directory\n' +
        'carl      create\n' +
        'bob       deactivate\n',
      stderr: 'Would be: 1 created, 1 updated, 1 deactivated, 0 unchanged, 0 refused.\n',
    });
    expect((await run('user sync --quiet', second, url)).code).toBe(0);
    expect(await run('user sync --dry-run --exit-code', second, url)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Nothing to change: 2 people are as in the directory.\n',
    });
    expect(await run('user sync', directoryOf(), url)).toMatchObject({ code: 0 });
    const { users } = await uncloudJson(['user', 'list'], { url });
    expect(users).toMatchObject([
      { username: 'anna.m', is_active: false, directory: { gone_at: expect.any(String) } },
      { username: 'bob', is_active: false },
      { username: 'carl', is_active: false, billing_address: { country: 'CH' } },
    ]);
  });

  it('user sync shows the first of each list, each with its rest, and gives all of them as JSON', async () => {
    const url = await databases.freshUrl();
    const numbers = Array.from({ length: 1100 }, (_, place) => place);
    const many: Script = (request, socket) => {
      if (request.operation !== SEARCH) return honest(request, socket);
      const entries = numbers.map((place) => {
        const entryUUID = `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`;
        const mail = place < 25 ? 'nobody' : `u${place}@example.net`;
        return entry(request, `uid=u${place},dc=example`, { uid: `u${place}`, mail, cn: 'U', entryUUID });
      });
      socket.write(Buffer.concat([...entries, result(request)]));
    };
    const { stdout } = await run('user sync --dry-run', many, url);
    const lines = stdout.split('\n');
    expect([lines[1], lines[20], lines[21], lines[22]]).toEqual([
      'u25       create',
      'u44       create',
      '… and 1055 more; all of them with --json',
      expect.stringMatching(/^ENTRY .*REFUSED BECAUSE$/),
    ]);
    expect(lines.slice(43)).toEqual(['… and 5 more; all of them with --json', '']);
    const document = JSON.parse((await run('user sync --json', many, url)).stdout);
    expect(document.changes).toHaveLength(1075);
    expect(document.refused).toHaveLength(25);
    const gone: Script = (request, socket) => {
      if (request.operation !== SEARCH) return honest(request, socket);
      socket.write(result(request));
    };
    const lost = JSON.parse((await run('user sync --prune --json', gone, url)).stdout);
    expect(lost).toMatchObject({ deactivated: 1075, changes: { length: 1075 } });
  });

  it('group sync plans, does, and has nothing to do', async () => {
    const url = await databases.freshUrl();
    expect(await run('group sync', honest, url)).toMatchObject({
      code: 1,
      stderr:
        'Error: ldap.group_base_dn is empty.\n  See where it was set with: uncloud config show --origin; docs/groups.md shows an example.\n',
    });
    const sync = (flags: string) => run(`group sync${flags}`, honest, url, 'dc=example');
    const refused = 'has no owner who is a user here, and a new group needs one.';
    expect(await sync('')).toEqual({
      code: 3,
      stdout: `ENTRY                   REFUSED BECAUSE\ncn=research,dc=example  The entry "cn=research,dc=example" ${refused}\n`,
      stderr: 'Groups: 0 created, 0 updated, 0 deactivated, 0 unchanged, 1 refused.\n',
    });
    await run('user sync --quiet', honest, url);
    const unknown =
      'Members who are no users here: 1. Those whom ldap.user_filter finds become users with: uncloud user sync\n';
    const stdout =
      'GROUP     ACTION  CHANGES\nresearch  create  +user1\nGROUP     NO USER HERE\nresearch  nobody\n';
    expect(await sync(' --dry-run --exit-code')).toEqual({
      code: 4,
      stdout,
      stderr: `${unknown}Would be: 1 created, 0 updated, 0 deactivated, 0 unchanged, 0 refused.\n`,
    });
    expect(await sync('')).toEqual({
      code: 0,
      stdout,
      stderr: `${unknown}Groups: 1 created, 0 updated, 0 deactivated, 0 unchanged, 0 refused.\n`,
    });
    expect(await sync(' --dry-run --exit-code')).toEqual({
      code: 0,
      stdout: 'GROUP     NO USER HERE\nresearch  nobody\n',
      stderr: `${unknown}Nothing to change: the groups are as in the directory (1).\n`,
    });
    const taken = await uncloud(['group', 'remove-member', 'research', 'user1'], { url });
    expect(taken.stderr).toContain('Warning: the members of research come from the directory');
    const added = await uncloud(['group', 'add-member', 'research', 'user1'], { url });
    expect(added.stderr).toContain('the next uncloud group sync makes user1 what the entry says.');
    const moved = await uncloud(['user', 'update', 'user1', '--email', 'x@example.net'], { url });
    expect(moved.stderr).toMatch(/Warning: where .* says another email, the next uncloud user sync takes it/);
    const { group } = await uncloudJson(['group', 'show', 'research'], { url });
    expect(group).toMatchObject({
      owner: 'user1',
      members: [{ username: 'user1', is_admin: false }],
      directory: { dn: 'cn=research,dc=example', gone_at: null },
    });
  });

  it('bootstrap-user reads one, and ldap check needs no database', async () => {
    const url = await databases.freshUrl();
    const script = directoryOf(['anna', 'anna@example.net']);
    const made = await run('bootstrap-user --username anna --no-staff --city Glarus', script, url);
    expect({ ...made, stdout: made.stdout.replace(/\d{4}-\S+Z/, 'NOW') }).toEqual({
      code: 0,
      stderr: 'Created the user anna.\n',
      stdout: `Username       anna
Id             1
Full name      anna Example
Email          anna@example.net
Staff          no
Active         yes
Language       en
Created        NOW
Directory      uid=anna,dc=example
Organization   –
Address        Glarus
Country        CH
VAT number     –
VAT territory  –
`,
    });
    expect(await run('bootstrap-user --username anna', script, url)).toMatchObject({
      code: 0,
      stderr: 'The user anna exists already; nothing changed.\n',
    });
    expect(await run('bootstrap-user --username nico', directoryOf(), url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'nobody called "nico" below "dc=example" with (&(objectClass=inetOrgPerson)(uid=nico)).',
      ),
    });
    const checked = await run('ldap check', script, 'sqlite:/nonexistent/uncloud.db');
    expect({ ...checked, stdout: checked.stdout.replace(/127\S+/, 'HERE') }).toEqual({
      code: 0,
      stderr: '',
      stdout: `Directory       ldap://HERE
Encryption      none (loopback)
Bound as        nobody (ldap.bind_dn is empty)
Searched below  dc=example
Filter          (&(objectClass=inetOrgPerson)(uid=*))
Staff group     –

USERNAME  FULL NAME     EMAIL             STAFF  COUNTRY  ENTRY
anna      anna Example  anna@example.net         CH       uid=anna,dc=example
`,
    });
    expect(await run('ldap check', directoryOf(), 'sqlite:/nonexistent/uncloud.db')).toMatchObject({
      code: 0,
      stderr:
        'The search finds nobody. Look at ldap.base_dn, ldap.user_filter and ldap.login_attribute, and at what ldap.bind_dn may read.\n',
    });
  });
});
