import { refuse, UserError } from '../../core/errors.ts';

/** Turns an error of better-sqlite3 into the refusal that it means; anything unknown stays as it is: a bug. */
export function translateSqliteError(error: unknown, database: string): unknown {
  if (error instanceof UserError) return error;
  const { code = '', message: reason = '' } = error as { code?: string; message?: string };
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
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

/** Turns an error of pg, of the server (by SQLSTATE) or of the socket, into the refusal that it means. */
export function translatePostgresError(error: unknown, database: string): unknown {
  if (error instanceof UserError) return error;
  const meaning = meaningOf(error, database);
  if (meaning instanceof UserError) meaning.cause = error;
  return meaning;
}

/** Whether PostgreSQL gave up a transaction because of another one: class 40, serialization failure or deadlock. */
export function isConflict(error: unknown): boolean {
  const { code = '' } = ((error as Error).cause ?? {}) as { code?: string };
  return code.startsWith('40');
}

function meaningOf(error: unknown, database: string): unknown {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const reason = message === '' ? code : message;
  if (code === '3D000') return refuse.DATABASE_MISSING({ database });
  if (/^28/.test(code) || /SASL|password must be a string/.test(reason)) {
    return refuse.DATABASE_LOGIN({ database, reason });
  }
  if (code === '42501' || code === '25006') return refuse.DATABASE_PERMISSION({ database, reason });
  if (code === '53100') return refuse.DATABASE_FULL({ database, reason });
  if (code === '55P03') return refuse.DATABASE_BUSY({ database, reason: 'another command holds a lock' });
  if (code === '57014' || /^40/.test(code)) return refuse.DATABASE_BUSY({ database, reason });
  if (/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL|HOSTNAME_MISMATCH/.test(code) || /SSL|certificate/.test(reason)) {
    return refuse.DATABASE_TLS({ database, reason });
  }
  if (/^(08|53|57P|58)/.test(code) || isNetworkError(code, reason)) {
    return refuse.DATABASE_UNREACHABLE({ database, reason });
  }
  if (/^23/.test(code)) return refuse.CONSTRAINT_VIOLATED({ rule: reason });
  return error;
}

function isNetworkError(code: string, reason: string): boolean {
  return (
    /^(E(CONN|NOTFOUND|AI_|TIMEDOUT|PIPE|HOST|NET|ADDR)|ENOENT|EACCES)/.test(code) ||
    /Connection terminated|timeout|Client has encountered a connection error|not queryable/i.test(reason)
  );
}
