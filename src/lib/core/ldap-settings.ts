import type { Config } from './config.ts';
import { canonicalDn } from './distinguished-name.ts';
import { refuse } from './errors.ts';
import { isLoopback } from './loopback.ts';

/** How the password is kept from listeners: TLS from the first byte, TLS by StartTLS, or no network at all. */
export type LdapProtection = 'tls' | 'start_tls' | 'loopback';

/** The attributes that people are read from. */
export interface PersonAttributes {
  readonly login: string;
  readonly mail: string;
  readonly name: string;
}

/** Where groups are, and which. */
export interface GroupSearch {
  readonly baseDn: string;
  /** An RFC 4515 filter, not yet parsed. */
  readonly filter: string;
  readonly nameAttribute: string;
}

/** The section `ldap` of the configuration, fit for use. */
export interface LdapSettings {
  /** As configured, for messages; it holds no password. */
  readonly url: string;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly protection: LdapProtection;
  /** Null: the authorities of the system. */
  readonly caFile: string | null;
  readonly baseDn: string;
  /** Who searches; null: nobody in particular, an anonymous search. */
  readonly bind: { readonly dn: string; readonly passwordFile: string } | null;
  /** An RFC 4515 filter, not yet parsed. */
  readonly userFilter: string;
  readonly attributes: PersonAttributes;
  readonly staffGroupDn: string | null;
  /** Null: groups are not read. */
  readonly groups: GroupSearch | null;
  /** For all that is said to the directory in one command, from the connection to the last answer. */
  readonly timeoutSeconds: number;
}

/** RFC 4512 §1.4: a short name or an OID. */
const ATTRIBUTE = /^(?:[a-z][a-z0-9-]*|\d+(?:\.\d+)+)$/i;

/**
 * Checks the section `ldap` as a whole.
 * @throws LDAP_NOT_CONFIGURED without ldap.url, INVALID_LDAP_SETTING
 */
export function parseLdapSettings(config: Config): LdapSettings {
  const passwordFile = config['ldap.bind_password_file'];
  if (config['ldap.url'] === '') throw refuse.LDAP_NOT_CONFIGURED({});
  const place = parseUrl(config['ldap.url'], config['ldap.start_tls']);
  const bindDn = checkDn('ldap.bind_dn', config['ldap.bind_dn']);
  if (bindDn !== null && passwordFile === '') {
    // RFC 4513 §5.1.2: a name without a password is an anonymous bind that looks like a successful login.
    throw invalid('ldap.bind_password_file', 'is empty, and ldap.bind_dn is not');
  }
  if (bindDn === null && passwordFile !== '') {
    throw invalid('ldap.bind_dn', 'is empty, and ldap.bind_password_file is not');
  }
  const baseDn = checkDn('ldap.base_dn', config['ldap.base_dn']);
  if (baseDn === null) throw invalid('ldap.base_dn', 'is empty');
  const groupBaseDn = checkDn('ldap.group_base_dn', config['ldap.group_base_dn']);
  const nameAttribute = checkAttribute('ldap.group_name_attribute', config['ldap.group_name_attribute']);
  return {
    ...place,
    caFile: config['ldap.ca_file'] === '' ? null : config['ldap.ca_file'],
    baseDn,
    bind: bindDn === null ? null : { dn: bindDn, passwordFile },
    userFilter: config['ldap.user_filter'],
    attributes: {
      login: checkAttribute('ldap.login_attribute', config['ldap.login_attribute']),
      mail: checkAttribute('ldap.mail_attribute', config['ldap.mail_attribute']),
      name: checkAttribute('ldap.name_attribute', config['ldap.name_attribute']),
    },
    staffGroupDn: checkDn('ldap.staff_group_dn', config['ldap.staff_group_dn']),
    groups:
      groupBaseDn === null
        ? null
        : { baseDn: groupBaseDn, filter: config['ldap.group_filter'], nameAttribute },
    timeoutSeconds: config['ldap.timeout_seconds'],
  };
}

function parseUrl(
  text: string,
  startTls: boolean,
): Pick<LdapSettings, 'url' | 'host' | 'port' | 'protection'> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = url?.protocol;
  if (url === null || (scheme !== 'ldap:' && scheme !== 'ldaps:') || url.hostname === '') {
    throw invalid('ldap.url', 'is not ldaps://HOST or ldap://HOST');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.username !== '' || url.password !== '') throw invalid('ldap.url', 'holds a name or a password');
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw invalid(
      'ldap.url',
      'goes on behind the host; what is searched stands in ldap.base_dn and ldap.user_filter',
    );
  }
  if (scheme === 'ldaps:' && startTls) {
    throw invalid('ldap.start_tls', 'is true, and ldaps:// begins with TLS already');
  }
  if (scheme === 'ldap:' && !startTls && !isLoopback(host)) {
    throw refuse.INVALID_LDAP_SETTING({
      key: 'ldap.url',
      fault: 'is plain ldap:// to another machine, which would show the password to the network',
      cure: `write ldaps://${url.hostname}, or set ldap.start_tls = true.`,
    });
  }
  return {
    url: text,
    host,
    port: url.port === '' ? (scheme === 'ldaps:' ? 636 : 389) : Number(url.port),
    protection: scheme === 'ldaps:' ? 'tls' : startTls ? 'start_tls' : 'loopback',
  };
}

function checkDn(key: string, dn: string): string | null {
  if (dn === '') return null;
  if (canonicalDn(dn) === null)
    throw invalid(key, 'is not a distinguished name such as ou=people,dc=example,dc=net');
  return dn;
}

function checkAttribute(key: string, attribute: string): string {
  if (!ATTRIBUTE.test(attribute)) throw invalid(key, 'is not the name of an attribute such as uid');
  return attribute;
}

function invalid(key: string, fault: string) {
  return refuse.INVALID_LDAP_SETTING({ key, fault });
}
