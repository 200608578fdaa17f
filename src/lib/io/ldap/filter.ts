import { AndFilter, EqualityFilter, type Filter, FilterParser, PresenceFilter } from 'ldapts';
import { quote, refuse } from '../../core/errors.ts';
import type { GroupSearch, LdapSettings } from '../../core/ldap-settings.ts';

/**
 * The filter that finds people: the configured one, and a login, or the given one. It is made of objects: a username
 * is a value in it, whatever characters it has.
 * @throws INVALID_LDAP_SETTING when ldap.user_filter is not an RFC 4515 filter
 */
export function peopleFilter(
  { userFilter, attributes }: Pick<LdapSettings, 'userFilter' | 'attributes'>,
  username?: string,
): Filter {
  const attribute = attributes.login;
  const login =
    username === undefined
      ? new PresenceFilter({ attribute })
      : new EqualityFilter({ attribute, value: username });
  return new AndFilter({ filters: [parseFilter('ldap.user_filter', userFilter), login] });
}

/**
 * The filter that finds groups.
 * @throws INVALID_LDAP_SETTING when ldap.group_filter is not an RFC 4515 filter
 */
export function groupFilter({ filter }: Pick<GroupSearch, 'filter'>): Filter {
  return parseFilter('ldap.group_filter', filter);
}

function parseFilter(key: string, text: string): Filter {
  const fault = (reason: string) =>
    refuse.INVALID_LDAP_SETTING({ key, fault: `is ${quote(text)}, and ${reason}` });
  if (!text.startsWith('(')) throw fault('a filter begins with a bracket, as in (objectClass=inetOrgPerson)');
  const plain = unescapeUtf8(text);
  if (plain === null) throw fault('its escaped bytes are not UTF-8');
  try {
    return FilterParser.parseString(plain);
  } catch {
    throw fault('that is not a filter as RFC 4515 writes it: check brackets, = and escapes');
  }
}

/** Undoes escapes beyond ASCII: ldapts would take each of their bytes for a character. */
function unescapeUtf8(text: string): string | null {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return text.replace(/(?:\\[89a-f][0-9a-f])+/gi, (run) =>
      decoder.decode(Buffer.from(run.replaceAll('\\', ''), 'hex')),
    );
  } catch {
    return null;
  }
}
