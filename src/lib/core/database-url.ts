import { refuse } from './errors.ts';

/** Where the data is. */
export type DatabaseUrl =
  | { readonly backend: 'sqlite'; readonly path: string }
  | { readonly backend: 'postgresql'; readonly url: string; readonly host: string; readonly tls: TlsMode };

/**
 * How the connection to PostgreSQL is protected, after libpq's `sslmode`. `verify-full` is the default for every
 * host but Unix sockets and loopback, where there is no network to protect.
 */
export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

const TLS_MODES: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads `sqlite:PATH` or `postgres://…` (also `postgresql://`), as libpq reads it.
 * @throws INVALID_DATABASE_URL
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '' || path.includes('\0')) throw invalid(text, 'the path of the file is missing');
    return { backend: 'sqlite', path };
  }
  if (!/^postgres(ql)?:\/\//.test(text))
    throw invalid(text, 'it begins with neither sqlite: nor postgres://');
  const url = URL.parse(text);
  if (url === null) throw invalid(text, 'it is not a URL');
  const host = decodeURIComponent(url.searchParams.get('host') ?? url.hostname).replace(/^\[|\]$/g, '');
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !TLS_MODES.includes(mode)) {
    throw invalid(text, `sslmode is one of ${TLS_MODES.join(', ')}`);
  }
  const tls = (mode ?? (isLocal(host) ? 'disable' : 'verify-full')) as TlsMode;
  return { backend: 'postgresql', url: text, host, tls };
}

/** The same address without its password, for people to read. */
export function redactDatabaseUrl(text: string): string {
  return text
    .replace(/^([a-z]+:\/\/[^/?#]*):[^/?#]*@/i, '$1@')
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, '$1');
}

/** The same address for another role, without a password. */
export function withRole(text: string, role: string): string {
  return redactDatabaseUrl(text)
    .replace(/^([a-z]+:\/\/)(?:[^@/?#]*@)?/i, `$1${role}@`)
    .replace(/([?&])user=[^&#]*&?/, '$1')
    .replace(/[?&]$/, '');
}

/** Whether the address itself holds a password, which a process list would show. */
export function hasPassword(text: string): boolean {
  return redactDatabaseUrl(text) !== text;
}

/** Whether a server's host is this machine: a Unix socket or loopback. */
export function isLocal(host: string): boolean {
  return host === '' || host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function invalid(text: string, reason: string): Error {
  return refuse.INVALID_DATABASE_URL({ url: redactDatabaseUrl(text), reason });
}
