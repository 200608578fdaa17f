import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import {
  BindRequest,
  ExtendedRequest,
  ExtendedResponse,
  type Filter,
  type MessageResponse,
  PagedResultsControl,
  PresenceFilter,
  SearchRequest,
  type SearchRequestMessageOptions,
  UnbindRequest,
} from 'ldapts';
import {
  attributesToRead,
  type DirectoryEntry,
  type DirectoryGroup,
  groupAttributes,
  MEMBER_ATTRIBUTES,
  nameAttributes,
  readGroup,
} from '../../core/directory-entry.ts';
import { quote, refuse, UserError } from '../../core/errors.ts';
import type { GroupSearch, LdapSettings } from '../../core/ldap-settings.ts';
import { systemAuthorities } from '../authorities.ts';
import { readSecretFile, reasonOf } from '../files.ts';
import { Conversation, connectTo, isEntry, isReference, PAGE_SIZE, secure } from './conversation.ts';
import { groupFilter, peopleFilter } from './filter.ts';
import { TimeLimit } from './time-limit.ts';

/** RFC 4511 §4.14 and RFC 4532. */
const START_TLS = '1.3.6.1.4.1.1466.20037';
const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3';

/** The entries of the largest directory that is read: more is an endless answer, or a wrong filter. */
const MOST_ENTRIES = 500_000;

/** Fewer than people: each may have many members, and a page is held whole. */
const GROUPS_PER_PAGE = 100;

/** A directory to which the configured name is logged in. Only searches are ever sent. */
export interface Directory {
  readonly settings: LdapSettings;
  /** The version of TLS; null on loopback, where there is none. */
  readonly tls: string | null;
  /** The filter that finds people, as RFC 4515 writes it. */
  describeFilter(username?: string): string;
  /** Whom the directory takes us for; null when it does not say, empty for nobody. */
  whoAmI(): Promise<string | null>;
  /** The entries with a login: none, one, or the first two of many. */
  find(username: string): Promise<DirectoryEntry[]>;
  /** Who belongs to the staff; null when no group is configured to say it. */
  staff(): Promise<DirectoryGroup | null>;
  /** All people, page by page. */
  people(): AsyncGenerator<DirectoryEntry[]>;
  /** All people, page by page, with their ids and logins only. */
  names(): AsyncGenerator<DirectoryEntry[]>;
  /** All groups, page by page. */
  groups(search: GroupSearch): AsyncGenerator<DirectoryEntry[]>;
  /** The first people, at most `count`. */
  sample(count: number): Promise<DirectoryEntry[]>;
  /**
   * The members of a group, by its name.
   * @param key the setting that names it, for the refusal
   */
  group(dn: string, key: string): Promise<DirectoryGroup>;
  close(): void;
}

/**
 * Connects, begins TLS, and logs in, in that order: no password is sent before the certificate was verified. Whatever
 * this and the later calls wait for the directory, together they wait no longer than `ldap.timeout_seconds`.
 * @throws LDAP_UNREACHABLE, LDAP_TLS, LDAP_PROTOCOL, LDAP_LOGIN, INVALID_LDAP_SETTING, SECRET_FILE_MODE
 */
export async function openDirectory(settings: LdapSettings): Promise<Directory> {
  peopleFilter(settings);
  const password = settings.bind === null ? null : await readPassword(settings.bind.passwordFile);
  const ca = settings.protection === 'loopback' ? [] : await readAuthorities(settings.caFile);
  const limit = new TimeLimit(settings);
  const { conversation, tls } = await limit.within(async (signal) => {
    const socket = await connectTo(settings, signal);
    signal.addEventListener('abort', () => socket.destroy());
    try {
      if (settings.protection === 'start_tls') await startTls(socket, settings);
      const secured = settings.protection === 'loopback' ? null : await secure(socket, settings, ca);
      const opened = new Conversation(secured?.socket ?? socket, settings);
      if (settings.bind !== null && password !== null)
        await bind(opened, settings, settings.bind.dn, password);
      return { conversation: opened, tls: secured?.version ?? null };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  });

  const base = settings.baseDn;
  const attributes = attributesToRead(settings.attributes);
  const search = (request: Search) => limit.within(() => runSearch(conversation, settings, request));
  async function* pages(what: string, request: Search, size = PAGE_SIZE): AsyncGenerator<DirectoryEntry[]> {
    let cookie: Buffer | undefined;
    let count = 0;
    do {
      const found = await search({ ...request, page: { size, ...(cookie === undefined ? {} : { cookie }) } });
      count += found.entries.length;
      if (count > MOST_ENTRIES) {
        const reason = `it has more than ${MOST_ENTRIES} ${what}`;
        throw refuse.LDAP_PROTOCOL({ url: settings.url, reason });
      }
      yield found.entries;
      cookie = found.cookie;
    } while (cookie !== undefined);
  }
  const group = async (dn: string, key: string) => {
    const filter = new PresenceFilter({ attribute: 'objectClass' });
    const found = await search({ base: dn, key, filter, attributes: MEMBER_ATTRIBUTES, scope: 'base' });
    const [entry] = found.entries;
    if (entry === undefined) throw noEntry(settings, key, dn);
    return readGroup(entry);
  };
  return {
    settings,
    tls,
    describeFilter: (username) => peopleFilter(settings, username).toString(),
    whoAmI: () => limit.within(() => askWhoIAm(conversation)),
    async find(username) {
      const filter = peopleFilter(settings, username);
      return (await search({ base, key: 'ldap.base_dn', filter, attributes, sizeLimit: 2 })).entries;
    },
    people: () => pages('people', { base, key: 'ldap.base_dn', filter: peopleFilter(settings), attributes }),
    names: () =>
      pages('people', {
        base,
        key: 'ldap.base_dn',
        filter: peopleFilter(settings),
        attributes: nameAttributes(settings.attributes),
      }),
    groups: (groups) =>
      pages(
        'groups',
        {
          base: groups.baseDn,
          key: 'ldap.group_base_dn',
          filter: groupFilter(groups),
          attributes: groupAttributes(groups.nameAttribute),
        },
        GROUPS_PER_PAGE,
      ),
    async sample(count) {
      const page = { size: count };
      return (await search({ base, key: 'ldap.base_dn', filter: peopleFilter(settings), attributes, page }))
        .entries;
    },
    group,
    staff: async () =>
      settings.staffGroupDn === null ? null : group(settings.staffGroupDn, 'ldap.staff_group_dn'),
    close: () => conversation.close((messageId) => new UnbindRequest({ messageId })),
  };
}

async function startTls(socket: Socket, settings: LdapSettings): Promise<void> {
  const conversation = new Conversation(socket, settings);
  conversation.send((messageId) => new ExtendedRequest({ messageId, oid: START_TLS }));
  const answer = await conversation.receive();
  if (answer.status === 0 && answer instanceof ExtendedResponse) return conversation.release();
  const reason = `it refuses StartTLS, ${describeResult(answer)}`;
  throw refuse.LDAP_TLS({ url: settings.url, reason });
}

async function bind(
  conversation: Conversation,
  { url }: LdapSettings,
  bindDn: string,
  password: string,
): Promise<void> {
  conversation.send((messageId) => new BindRequest({ messageId, dn: bindDn, password }));
  const answer = await conversation.receive();
  if (answer.status === 0) return;
  throw isBusy(answer)
    ? refuse.LDAP_UNREACHABLE({ url, reason: describeResult(answer) })
    : refuse.LDAP_LOGIN({ url, bindDn, reason: describeResult(answer) });
}

async function askWhoIAm(conversation: Conversation): Promise<string | null> {
  conversation.send((messageId) => new ExtendedRequest({ messageId, oid: WHO_AM_I }));
  const answer = await conversation.receive();
  return answer.status === 0 && answer instanceof ExtendedResponse ? (answer.value ?? '') : null;
}

interface Search {
  readonly base: string;
  /** The setting that names the base. */
  readonly key: string;
  readonly filter: Filter;
  readonly attributes: string[];
  readonly scope?: 'base' | 'sub';
  readonly sizeLimit?: number;
  readonly page?: { readonly size: number; readonly cookie?: Buffer };
}

/** Runs one search, or one page of it; `cookie` asks for the next one. */
async function runSearch(
  conversation: Conversation,
  settings: LdapSettings,
  { base, key, filter, attributes, scope = 'sub', sizeLimit = 0, page }: Search,
): Promise<{ entries: DirectoryEntry[]; cookie: Buffer | undefined }> {
  const { url } = settings;
  conversation.send(
    (messageId) =>
      new SearchRequest({
        messageId,
        baseDN: base,
        scope,
        filter,
        attributes,
        sizeLimit,
        timeLimit: settings.timeoutSeconds,
        // Critical: a server that does not know pages has to say so.
        ...(page === undefined
          ? {}
          : { controls: [new PagedResultsControl({ critical: true, value: page })] }),
      } satisfies SearchRequestMessageOptions),
  );
  const entries: DirectoryEntry[] = [];
  for (;;) {
    const answer = await conversation.receive();
    if (isEntry(answer)) {
      const values = answer.attributes.map(
        (attribute) => [attribute.type.toLowerCase(), attribute.values.filter(isText)] as const,
      );
      entries.push({ dn: answer.name, attributes: new Map(values) });
      continue;
    }
    if (isReference(answer)) throw refuse.LDAP_REFERRAL({ url, target: answer.uris[0] ?? '' });
    const isEnough = answer.status === SIZE_LIMIT_EXCEEDED && sizeLimit > 0;
    if (answer.status === 0 || isEnough) return { entries, cookie: cookieOf(answer) };
    throw refuseSearch(answer, settings, { key, base });
  }
}

function isText(value: Buffer | string): value is string {
  return typeof value === 'string';
}

function cookieOf({ controls = [] }: MessageResponse): Buffer | undefined {
  const control = controls.find((one) => one instanceof PagedResultsControl);
  const cookie = control?.value?.cookie;
  return cookie === undefined || cookie.length === 0 ? undefined : cookie;
}

const SIZE_LIMIT_EXCEEDED = 4;

/** RFC 4511 appendix A: the results that a search or a bind can end with, in words. */
const RESULTS: Readonly<Record<number, string>> = {
  1: 'operations error',
  2: 'protocol error',
  3: 'time limit exceeded',
  4: 'size limit exceeded',
  7: 'authentication method not supported',
  8: 'stronger authentication required',
  10: 'referral',
  11: 'administrative limit exceeded',
  12: 'it does not give its answers in pages',
  13: 'confidentiality required',
  18: 'inappropriate matching',
  32: 'no such object',
  34: 'invalid DN syntax',
  48: 'inappropriate authentication',
  49: 'invalid credentials',
  50: 'insufficient access rights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwilling to perform',
};

function describeResult({ status, errorMessage }: MessageResponse): string {
  const words = `${RESULTS[status] ?? 'result'} (${status})`;
  return errorMessage === '' ? words : `${words}, ${quote(errorMessage)}`;
}

function isBusy({ status }: MessageResponse): boolean {
  return [3, 51, 52].includes(status);
}

function refuseSearch(
  answer: MessageResponse,
  settings: LdapSettings,
  { key, base }: { key: string; base: string },
): UserError {
  const { url, bind } = settings;
  const reason = describeResult(answer);
  if (isBusy(answer)) return refuse.LDAP_UNREACHABLE({ url, reason });
  if (answer.status === 10)
    return refuse.LDAP_REFERRAL({ url, target: answer.errorMessage || 'another server' });
  if (answer.status === 32) return noEntry(settings, key, base);
  // 53 is what OpenLDAP's `require authc` answers.
  if (bind === null && [1, 8, 13, 48, 50, 53].includes(answer.status))
    return refuse.LDAP_LOGIN({ url, bindDn: null, reason });
  return refuse.LDAP_REFUSED({ url, base, reason });
}

function noEntry({ url, bind }: LdapSettings, key: string, dn: string): UserError {
  return refuse.LDAP_NO_ENTRY({ url, key, dn, isAnonymous: bind === null });
}

/** One line, without its end. */
async function readPassword(file: string): Promise<string> {
  const password = (await readSecretFile(file).catch(nameSetting)).replace(/\r?\n$/, '');
  const fault =
    password === ''
      ? 'names an empty file'
      : /[\r\n\0]/.test(password)
        ? 'names a file of more than one line'
        : null;
  if (fault !== null) throw refuse.INVALID_LDAP_SETTING({ key: 'ldap.bind_password_file', fault });
  return password;
}

/** A file that cannot be read is a fault of the setting that names it. */
function nameSetting(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== 'INPUT_NOT_FOUND') throw error;
  throw refuse.INVALID_LDAP_SETTING({
    key: 'ldap.bind_password_file',
    fault: `cannot be used: ${error.message.replace(/\.$/, '')}`,
    cure: 'the file holds the password of ldap.bind_dn in one line, with mode 0600.',
  });
}

/** The authorities of a file, or of the system. */
async function readAuthorities(file: string | null): Promise<string[]> {
  if (file === null) return systemAuthorities();
  const invalid = (fault: string) =>
    refuse.INVALID_LDAP_SETTING({ key: 'ldap.ca_file', fault: `names ${quote(file)}, which ${fault}` });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw invalid(`cannot be read: ${reasonOf(error)}`);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw invalid('holds no certificate');
  return [text];
}
