import { quote, refuse } from './errors.ts';
import { isLoopback } from './loopback.ts';
import { shellWord } from './shell-word.ts';

/** Where the data is. */
export type DatabaseUrl = { readonly backend: 'sqlite'; readonly path: string } | PostgresUrl;

/** A PostgreSQL database. What the address leaves out is empty: the environment (PGHOST, PGUSER, …) may have it. */
export interface PostgresUrl {
  readonly backend: 'postgresql';
  /** The address as it was given, with its password. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** A name, an IP address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number | null;
  readonly database: string;
  /** `null`: as `defaultTls` says for the host. */
  readonly tls: TlsMode | null;
  /** How long making the connection may take, in seconds; 0: for ever; `null`: not said. */
  readonly connectTimeout: number | null;
  /** Everything behind the question mark, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** How the connection to PostgreSQL is protected, after libpq's `sslmode`. */
export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** Those of libpq's parameters that are understood. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'application_name',
  'connect_timeout',
  'options',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
]);

const TLS_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const satisfies TlsMode[];

/**
 * User and password, host, port, database and parameters, each still encoded. As in libpq, and other than in RFC 3986,
 * each may be left out, and a password may have `?` and `#` in it.
 */
const POSTGRES =
  /^postgres(?:ql)?:\/\/(?:([^:/]*)(?::([^/]*))?@)?(\[[^\]]*\]|[^:/?[\]]*)(?::([^/?]*))?(?:\/([^?]*))?(?:\?(.*))?$/s;

/**
 * Reads `sqlite:PATH` or `postgres://…` (also `postgresql://`), as libpq reads it.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @throws INVALID_DATABASE_URL
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '' || path.includes('\0')) throw invalid(text, 'the path of the file is missing');
    return { backend: 'sqlite', path };
  }
  if (!/^postgres(ql)?:\/\//.test(text))
    throw invalid(
      text,
      /^\s*\w+\s*=/.test(text)
        ? 'key=value words are not read, only URLs'
        : 'it begins with neither sqlite: nor postgres://',
    );
  const parts = POSTGRES.exec(text);
  if (parts === null) throw invalid(text, 'it is not a URL');
  const [user = '', password = '', host = '', port = '', database = ''] = parts
    .slice(1, 6)
    .map((part) => decode(part ?? '', text));
  const parameters = new Map<string, string>();
  for (const parameter of (parts[6] ?? '').split('&').filter((each) => each !== '')) {
    const [name = '', value, ...more] = parameter.split('=');
    if (value === undefined || more.length > 0) throw invalid(text, 'a parameter in it is not name=value');
    if (!PARAMETERS.has(name)) {
      throw invalid(text, `it has the parameter ${quote(name)}; known are ${[...PARAMETERS].join(', ')}`);
    }
    parameters.set(name, decode(value, text));
  }
  const hostname = (parameters.get('host') ?? host).replace(/^\[(.*)\]$/, '$1');
  if (hostname.includes(',')) throw invalid(text, 'it names more than one host');
  return {
    backend: 'postgresql',
    url: text,
    user: parameters.get('user') ?? user,
    password: parameters.get('password') ?? password,
    host: hostname,
    port: parsePort(parameters.get('port') ?? port, text),
    database: parameters.get('dbname') ?? database,
    tls: parseTls(parameters, text),
    connectTimeout: parseSeconds(parameters.get('connect_timeout'), text),
    parameters,
  };
}

function decode(part: string, text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    throw invalid(text, 'a % in it does not begin an encoded character; a % itself is written %25');
  }
  if (decoded.includes('\0')) throw invalid(text, 'it holds a NUL character');
  return decoded;
}

function parsePort(port: string, text: string): number | null {
  if (port === '') return null;
  // The message leaves out what stands there: it may be a password with a slash in it.
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw invalid(text, 'its port is not a number from 1 to 65535');
  return Number(port);
}

function parseSeconds(seconds: string | undefined, text: string): number | null {
  if (seconds === undefined) return null;
  if (!/^\d{1,5}$/.test(seconds)) throw invalid(text, 'connect_timeout is a whole number of seconds');
  return Number(seconds);
}

/** As in libpq, who names an authority has it asked, and the authorities of the system are good for names only. */
function parseTls(parameters: ReadonlyMap<string, string>, text: string): TlsMode | null {
  const [sslmode, authority] = [parameters.get('sslmode'), parameters.get('sslrootcert')];
  if (sslmode === undefined) return authority === 'system' ? 'verify-full' : null;
  const mode = TLS_MODES.find((each) => each === sslmode);
  if (mode === undefined) throw invalid(text, `sslmode is one of ${TLS_MODES.join(', ')}`);
  if (authority === 'system' && mode !== 'verify-full')
    throw invalid(text, 'sslrootcert=system goes with sslmode=verify-full only');
  return mode === 'require' && authority !== undefined ? 'verify-ca' : mode;
}

/**
 * How a server is reached unless the address says otherwise: no network leads to this machine, so nothing is hidden.
 */
export function defaultTls(host: string): TlsMode {
  return isLocal(host) ? 'disable' : 'verify-full';
}

/**
 * The same address without its password, for people to read; of what is no URL, nothing behind a `password`, nor
 * between a colon and an @.
 */
export function redactDatabaseUrl(text: string): string {
  if (!/^(?:[a-z]+:\/\/|sqlite:)/i.test(text))
    return text.replace(/(password\s*=).*/is, '$1').replace(/:.*@/s, '@');
  return (
    text
      // A slash in a password has to be encoded, but where it is not the password is none the less one.
      .replace(/^([a-z]+:\/\/[^:/@]*):(?:[^/]*|(?!\d*[/?]).*)@/is, '$1@')
      .replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1')
  );
}

/** The same address for another role, without a password. */
export function withRole(text: string, role: string): string {
  return redactDatabaseUrl(text)
    .replace(/^([a-z]+:\/\/)(?:[^/]*@)?/i, `$1${role}@`)
    .replace(/(?<=[?&])(?:user|password)=[^&]*(?:&|$)/g, '')
    .replace(/[?&]$/, '');
}

/**
 * What makes a database for the role of an address on its server, as it is typed: PostgreSQL's program. That role
 * itself seldom may, and by a socket PostgreSQL knows who asks.
 */
export function createdbCommand({ host, port, user }: PostgresUrl, database: string): string {
  const isSocket = host === '' || host.startsWith('/');
  const options = [
    ['-h', host],
    ['-p', port === null ? '' : String(port)],
    ['-U', isSocket ? '' : 'postgres'],
    ['--owner', user === 'postgres' ? '' : user],
  ].filter(([, value]) => value !== '');
  return ['createdb', ...options.flat(), database].map((word) => shellWord(word ?? '')).join(' ');
}

/** Whether the address itself holds a password, which a process list would show. */
export function hasPassword(text: string): boolean {
  return redactDatabaseUrl(text) !== text;
}

/** Whether a server's host is this machine: a Unix socket or loopback. */
export function isLocal(host: string): boolean {
  return host === '' || host.startsWith('/') || host === 'localhost' || isLoopback(host);
}

function invalid(text: string, reason: string): Error {
  return refuse.INVALID_DATABASE_URL({ url: redactDatabaseUrl(text), reason });
}
