import { refuse, UserError } from '../../core/errors.ts';

/** Turns an error of better-sqlite3 into the refusal that it means; anything unknown stays as it is: a bug. */
export function translateSqliteError(error: unknown, database: string): unknown {
  if (error instanceof UserError) return error;
  const { code = '', message: reason = '' } = error as { code?: string; message?: string };
  // SQLITE_PROTOCOL: others were faster, again and again, at the locks of the WAL (https://sqlite.org/rescode.html).
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) {
    return refuse.DATABASE_BUSY({ database, reason: 'another command is writing' });
  }
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return refuse.NOT_A_DATABASE({ database, reason });
  }
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return refuse.DATABASE_FULL({ database, reason });
  if (/^(SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EISDIR|EEXIST)/.test(code)) {
    return refuse.DATABASE_PERMISSION({ database, reason });
  }
  if (code.startsWith('SQLITE_IOERR')) return refuse.DATABASE_UNREACHABLE({ database, reason });
  if (code.startsWith('SQLITE_CONSTRAINT')) return refuse.CONSTRAINT_VIOLATED({ rule: reason });
  return error;
}

/** What a person can look at when a login fails, and type when it is for a database that is not there. */
export interface LoginAdvice {
  /** Where the address was read: a file, a variable or a flag. */
  readonly origin: string;
  readonly isPasswordThere: boolean;
  /** What makes the database, and then its schema. */
  readonly createdb: string;
  readonly migrate: string;
}

/** Turns an error of pg, of the server (by SQLSTATE) or of the socket, into the refusal that it means. */
export function translatePostgresError(error: unknown, database: string, advice: LoginAdvice): unknown {
  if (error instanceof UserError) return error;
  const meaning = meaningOf(error, database, advice);
  if (meaning instanceof UserError) meaning.cause = error;
  return meaning;
}

/** Whether PostgreSQL gave up a transaction because of another one: class 40, serialization failure or deadlock. */
export function isConflict(error: unknown): boolean {
  const { code = '' } = ((error as Error).cause ?? {}) as { code?: string };
  return code.startsWith('40');
}

function meaningOf(error: unknown, database: string, advice: LoginAdvice): unknown {
  const { code = '' } = error as { code?: string };
  const reason = reasonOf(error);
  if (code === '3D000') {
    const { createdb, migrate } = advice;
    return refuse.DATABASE_MISSING({ database, createdb, migrate });
  }
  if (/password must be a string|empty password returned/.test(reason)) {
    return refuse.DATABASE_LOGIN({
      database,
      reason: 'it asks for a password, and there is none',
      ...advice,
    });
  }
  if (/^28/.test(code) || /SASL|password file/.test(reason))
    return refuse.DATABASE_LOGIN({ database, reason, ...advice });
  if (code === '42501' || code === '25006' || code === '3F000') {
    return refuse.DATABASE_PERMISSION({ database, reason });
  }
  if (code === '22P05') return refuse.DATABASE_ENCODING({ database, encoding: encodingIn(reason) });
  if (code === '53100') return refuse.DATABASE_FULL({ database, reason });
  if (code === '55P03') return refuse.DATABASE_BUSY({ database, reason: 'another command holds a lock' });
  if (code === '57014' || /^40/.test(code)) return refuse.DATABASE_BUSY({ database, reason });
  if (/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL|HOSTNAME_MISMATCH/.test(code) || /SSL|certificate/.test(reason)) {
    return refuse.DATABASE_TLS({ database, reason, isOffered: !/does not support SSL/.test(reason) });
  }
  if (/^(08|25P0[34]|53|57P|58)/.test(code) || isOfNetwork(error)) {
    return refuse.DATABASE_UNREACHABLE({ database, reason });
  }
  // Of a parameter in the address, which the server reads before it lets anybody in.
  if (isFatal(error) && /^(22023|42704)$/.test(code)) {
    return refuse.INVALID_DATABASE_URL({ url: database, reason });
  }
  if (/^23/.test(code)) return refuse.CONSTRAINT_VIOLATED({ rule: reason });
  return error;
}

/** The encoding that a character is missing in, as the last word of the server's message names it. */
function encodingIn(reason: string): string {
  return /"([^"]*)"$/.exec(reason)?.[1] ?? 'another encoding than UTF8';
}

function isFatal(error: unknown): boolean {
  return (error as { severity?: string }).severity === 'FATAL';
}

/** Node tries the addresses of a name in turn; what went wrong with each stands in an error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  const { code = '', message = '' } = error as { code?: string; message?: string };
  // What Node advises about its own flags is no advice about uncloud.
  return message === ''
    ? code
    : message.replace(/ - Local \(.*\)$|; if the root CA is installed locally.*$/, '');
}

/** What the system calls of a socket end with; which errors they know depends on routes, firewalls and drivers. */
const SOCKET_CALLS: readonly unknown[] = ['getaddrinfo', 'connect', 'read', 'write', 'shutdown'];

function isOfNetwork(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isOfNetwork);
  const { syscall, code = '', message = '' } = error as NodeJS.ErrnoException;
  return (
    SOCKET_CALLS.includes(syscall) ||
    /^E(PIPE|CONNRESET)$/.test(code) ||
    /Connection terminated|timeout|Client has encountered a connection error|not queryable/i.test(message)
  );
}
