import { expect, it } from 'vitest';
import { type Config, readConfig } from '../../src/lib/core/config.ts';
import { parseLdapSettings } from '../../src/lib/core/ldap-settings.ts';
import { refusalOf } from '../support/refusal.ts';

const GOOD = { url: 'ldaps://ldap.example.net', base_dn: 'ou=people,dc=example,dc=net' };

function configOf(ldap: Record<string, string | number | boolean>): Config {
  return readConfig([{ origin: 'test', tables: { ldap } }], {}, {}).config;
}

it('has defaults for an OpenLDAP server', () => {
  expect(parseLdapSettings(configOf(GOOD))).toEqual({
    url: 'ldaps://ldap.example.net',
    host: 'ldap.example.net',
    port: 636,
    protection: 'tls',
    caFile: null,
    baseDn: 'ou=people,dc=example,dc=net',
    bind: null,
    userFilter: '(objectClass=inetOrgPerson)',
    attributes: { login: 'uid', mail: 'mail', name: 'cn' },
    staffGroupDn: null,
    groups: null,
    timeoutSeconds: 10,
  });
});

it.each([
  [{ url: 'ldap://ldap.example.net', start_tls: true }, ['ldap.example.net', 389, 'start_tls']],
  [{ url: 'ldaps://[2001:db8::5]:1636/' }, ['2001:db8::5', 1636, 'tls']],
  [{ url: 'ldap://[::1]' }, ['::1', 389, 'loopback']],
  [{ url: 'ldap://127.0.0.1:3890' }, ['127.0.0.1', 3890, 'loopback']],
])('reaches %j', (changes, place) => {
  const { host, port, protection } = parseLdapSettings(configOf({ ...GOOD, ...changes }));
  expect([host, port, protection]).toEqual(place);
});

it.each<[Record<string, string | boolean>, string, RegExp]>([
  [{ url: 'ldap.example.net' }, 'ldap.url', /is not ldaps:\/\/HOST/],
  [{ url: 'https://ldap.example.net' }, 'ldap.url', /is not ldaps:\/\/HOST/],
  [{ url: 'ldaps://' }, 'ldap.url', /is not ldaps:\/\/HOST/],
  [{ url: 'ldaps://ldap.example.net/dc=x??sub' }, 'ldap.url', /goes on behind the host/],
  [{ url: 'ldaps://me:secret@ldap.example.net' }, 'ldap.url', /holds a name or a password/],
  [{ url: 'ldap://ldap.example.net' }, 'ldap.url', /plain ldap:\/\/ to another machine/],
  [{ url: 'ldap://localhost' }, 'ldap.url', /plain ldap:\/\/ to another machine/],
  [{ url: 'ldap://127.0.0.1.example.net' }, 'ldap.url', /plain ldap:\/\/ to another machine/],
  [{ start_tls: true }, 'ldap.start_tls', /begins with TLS already/],
  [{ bind_dn: 'cn=uncloud' }, 'ldap.bind_password_file', /is empty, and ldap.bind_dn is not/],
  [{ bind_password_file: '/etc/password' }, 'ldap.bind_dn', /is empty, and ldap.bind_password_file is not/],
  [{ base_dn: '' }, 'ldap.base_dn', /is empty/],
  [{ base_dn: 'example.net' }, 'ldap.base_dn', /is not a distinguished name/],
  [{ staff_group_dn: 'staff' }, 'ldap.staff_group_dn', /is not a distinguished name/],
  [{ group_base_dn: 'groups' }, 'ldap.group_base_dn', /is not a distinguished name/],
  [{ group_name_attribute: 'c n' }, 'ldap.group_name_attribute', /is not the name of an attribute/],
  [{ login_attribute: 'uid)(x' }, 'ldap.login_attribute', /is not the name of an attribute/],
])('refuses %j', (changes, key, message) => {
  const refused = refusalOf(() => parseLdapSettings(configOf({ ...GOOD, ...changes })));
  expect(refused).toMatchObject({
    code: 'INVALID_LDAP_SETTING',
    data: { key },
    message: expect.stringMatching(message),
  });
  expect(refused.message).not.toContain('secret');
});

it('refuses to go on without an address', () => {
  expect(refusalOf(() => parseLdapSettings(configOf({})))).toMatchObject({ code: 'LDAP_NOT_CONFIGURED' });
});
