import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/lib/core/config.ts';
import { parseLdapSettings } from '../../src/lib/core/ldap-settings.ts';
import { type Directory, openDirectory } from '../../src/lib/io/ldap/directory.ts';
import { selfSigned } from '../support/certificates.ts';
import {
  BASE,
  BIND_DN,
  BIND_PASSWORD,
  PEOPLE,
  type Person,
  Slapd,
  STAFF,
  whyNoSlapd,
} from '../support/slapd.ts';

const reason = whyNoSlapd();
if (reason !== null) process.stderr.write(`No real directory is read: ${reason}.\n`);

const PERSONS: Person[] = [
  { uid: 'nico', cn: 'Nico S.', mail: 'nico@example.net' },
  {
    uid: 'anna',
    cn: 'Anna Müller',
    o: 'Beispiel GmbH',
    street: 'Gasse 1',
    l: 'Köln',
    postalCode: '50667',
    c: 'DE',
  },
  ...Array.from({ length: 2500 }, (_, n) => ({ uid: `user${n}` })),
];

describe.runIf(reason === null)('a directory', () => {
  let slapd: Slapd;
  const opened: Directory[] = [];
  beforeAll(async () => {
    slapd = await Slapd.start(PERSONS);
  });
  afterAll(async () => {
    for (const directory of opened) directory.close();
    await slapd.remove();
  });

  async function open(changes: Record<string, string | number | boolean> = {}): Promise<Directory> {
    const ldap = { ...slapd.settings, ...changes };
    const { config } = readConfig([{ origin: 'test', tables: { ldap } }], {}, {});
    const directory = await openDirectory(parseLdapSettings(config));
    opened.push(directory);
    return directory;
  }

  it.each([
    ['ldaps', () => ({})],
    ['StartTLS', () => ({ url: `ldap://127.0.0.1:${slapd.port}`, start_tls: true })],
    ['plain loopback', () => ({ url: `ldap://127.0.0.1:${slapd.port}` })],
  ])('is read by %s', async (kind, settings) => {
    const directory = await open(settings());
    expect(directory.tls).toBe(kind === 'plain loopback' ? null : 'TLSv1.3');
    expect(await directory.whoAmI()).toBe(`dn:${BIND_DN}`);
    const [anna, ...others] = await directory.find('anna');
    expect(others).toEqual([]);
    expect(anna?.dn).toBe(`uid=anna,${PEOPLE}`);
    expect(Object.fromEntries(anna?.attributes ?? [])).toEqual({
      uid: ['anna'],
      cn: ['Anna Müller'],
      o: ['Beispiel GmbH'],
      street: ['Gasse 1'],
      l: ['Köln'],
      postalcode: ['50667'],
      c: ['DE'],
      entryuuid: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    });
  });

  it('gives everybody page by page, and the members of a group', async () => {
    const directory = await open({ staff_group_dn: STAFF });
    const pages: number[] = [];
    const logins = new Set<string | undefined>();
    for await (const page of directory.people()) {
      pages.push(page.length);
      for (const { attributes } of page) logins.add(attributes.get('uid')?.[0]);
    }
    expect(pages).toEqual([1000, 1000, 502]);
    expect(logins.size).toBe(2502);
    expect((await directory.sample(3)).length).toBe(3);
    expect([...((await directory.staff())?.dns.keys() ?? [])]).toEqual([
      'uid="nico",ou="people",dc="example",dc="net"',
    ]);
  });

  it('gives everybody by name only, and groups in smaller pages', async () => {
    const directory = await open();
    for await (const [first] of directory.names())
      expect([...(first?.attributes.keys() ?? [])].sort()).toEqual(['entryuuid', 'uid']);
    const base = `ou=teams,${BASE}`;
    await slapd.change(async (client) => {
      await client.add(base, { objectClass: 'organizationalUnit', ou: 'teams' });
      for (let number = 0; number < 201; number += 1) {
        const cn = `team${number}`;
        await client.add(`cn=${cn},${base}`, { objectClass: 'posixGroup', cn, gidNumber: `${number}` });
      }
    });
    const search = { baseDn: base, filter: '(objectClass=posixGroup)', nameAttribute: 'cn' };
    const pages: number[] = [];
    const names = new Set<string | undefined>();
    for await (const page of directory.groups(search)) {
      pages.push(page.length);
      for (const { attributes } of page) names.add(attributes.get('cn')?.[0]);
    }
    expect(pages).toEqual([100, 100, 1]);
    expect(names.size).toBe(201);
  });

  it('takes a login for a value, whatever it is made of', async () => {
    const directory = await open();
    for (const login of ['*', 'anna)(uid=*', 'an*', '\\61nna', '', 'anna\0', '(|(uid=*))']) {
      expect(await directory.find(login)).toEqual([]);
    }
    expect(await directory.find('ANNA')).toHaveLength(1);
  });

  it('reads filters as RFC 4515 writes them', async () => {
    for (const filter of ['(cn=Anna M\\c3\\bcller)', '(&(cn=*M\\C3\\BCll*)(!(uid=bob)))', '(l=K*ln)']) {
      expect(await (await open({ user_filter: filter })).sample(5)).toHaveLength(1);
    }
    for (const filter of [
      'objectClass=*',
      '(uid=a',
      '(uid=a))',
      '(&)',
      '(u id=a)',
      '(uid=\\ff)',
      '(uid=\\zz)',
      '',
    ]) {
      await expect(open({ user_filter: filter })).rejects.toMatchObject({ code: 'INVALID_LDAP_SETTING' });
    }
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['a wrong name', { bind_dn: `cn=nobody,dc=example,dc=net` }, 'LDAP_LOGIN', /invalid credentials \(49\)/],
    [
      'a base that is not there',
      { base_dn: 'ou=nobody,dc=example,dc=net' },
      'LDAP_NO_ENTRY',
      /ldap\.base_dn/,
    ],
    [
      'a staff group that is not there',
      { staff_group_dn: `cn=none,${PEOPLE}` },
      'LDAP_NO_ENTRY',
      /staff_group_dn/,
    ],
  ])('refuses %s', async (_, settings, code, message) => {
    const reading = open(settings).then(async (directory) => {
      await directory.staff();
      await directory.sample(1);
    });
    await expect(reading).rejects.toMatchObject({ code, message: expect.stringMatching(message), exit: 1 });
  });

  it('refuses a wrong, an empty and an open password file', async () => {
    const file = join(slapd.folder, 'other-password');
    await writeFile(file, 'wrong', { mode: 0o600 });
    const bind_password_file = file;
    await expect(open({ bind_password_file })).rejects.toMatchObject({ code: 'LDAP_LOGIN' });
    await writeFile(file, '\n');
    await expect(open({ bind_password_file })).rejects.toMatchObject({ code: 'INVALID_LDAP_SETTING' });
    await expect(open({ bind_password_file: join(slapd.folder, 'slapd.conf') })).rejects.toMatchObject({
      code: 'SECRET_FILE_MODE',
    });
  });

  it('refuses authorities that did not sign the certificate', async () => {
    const ca_file = selfSigned(slapd.folder, 'stranger').certificate;
    await expect(open({ ca_file })).rejects.toMatchObject({ code: 'LDAP_TLS', exit: 1 });
    await expect(open({ ca_file: '' })).rejects.toMatchObject({ code: 'LDAP_TLS' });
    await expect(open({ ca_file: slapd.passwordFile })).rejects.toMatchObject({
      code: 'INVALID_LDAP_SETTING',
    });
    await expect(open({ ca_file: '/nowhere' })).rejects.toMatchObject({
      code: 'INVALID_LDAP_SETTING',
      message: 'ldap.ca_file names "/nowhere", which cannot be read: no such file or folder.',
    });
    await expect(open({ url: `ldaps://localhost:${slapd.tlsPort}` })).rejects.toMatchObject({
      code: 'LDAP_TLS',
      message: expect.stringContaining('is for "IP Address:127.0.0.1", not for "localhost"'),
    });
  });

  it.each([
    ['as few as it gives to anybody', 'sizelimit 500', 'size limit exceeded (4)'],
    [
      'pages smaller than ours',
      `limits dn.exact="${BIND_DN}" size=unlimited size.pr=500`,
      'administrative limit exceeded (11)',
    ],
    [
      'no more in all pages than in one',
      `limits dn.exact="${BIND_DN}" size=unlimited size.prtotal=500`,
      'size limit exceeded (4)',
    ],
  ])('does not take for the whole what a server cuts short: %s', async (_, limits, reason) => {
    const limited = await Slapd.start(PERSONS.slice(0, 700), { limits });
    const { config } = readConfig([{ origin: 'test', tables: { ldap: limited.settings } }], {}, {});
    try {
      const directory = await openDirectory(parseLdapSettings(config));
      const read = async () => {
        for await (const page of directory.people()) void page;
      };
      await expect(read()).rejects.toMatchObject({
        code: 'LDAP_REFUSED',
        exit: 1,
        message: expect.stringContaining(reason),
        hint: 'Nothing was changed. Let ldap.bind_dn read all that is there, in pages of 1,000 and without a limit of size (OpenLDAP: size=unlimited size.pr=unlimited size.prtotal=unlimited).',
      });
      directory.close();
    } finally {
      await limited.remove();
    }
  });

  it('searches as nobody where nothing else is configured, and says so when that is refused', async () => {
    const directory = await open({ bind_dn: '', bind_password_file: '' });
    expect(await directory.whoAmI()).toBe('');
    await expect(directory.sample(1)).rejects.toMatchObject({
      code: 'LDAP_NO_ENTRY',
      hint: 'Correct ldap.base_dn, or set ldap.bind_dn: an anonymous search is not shown everything.',
    });
    const named = await Slapd.start([], { limits: 'require authc' });
    const ldap = { ...named.settings, bind_dn: '', bind_password_file: '' };
    const { config } = readConfig([{ origin: 'test', tables: { ldap } }], {}, {});
    const anonymous = await openDirectory(parseLdapSettings(config));
    await expect(anonymous.sample(1)).rejects.toMatchObject({
      code: 'LDAP_LOGIN',
      message: expect.stringMatching(/refuses an anonymous search: .*"authentication required"/),
      hint: 'Set ldap.bind_dn and ldap.bind_password_file, then try: uncloud ldap check',
    });
    anonymous.close();
    await named.remove();
  });

  it('keeps the password to itself', async () => {
    expect(await readFile(slapd.passwordFile, 'utf8')).toContain(BIND_PASSWORD);
    const error: Error = await open({ bind_dn: 'cn=x,dc=example' }).then(
      () => new Error('no refusal'),
      (refused) => refused,
    );
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain(
      BIND_PASSWORD,
    );
  });
});
