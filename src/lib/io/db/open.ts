import type { Author } from '../../core/audit.ts';
import type { DatabaseUrl } from '../../core/database-url.ts';
import { requirePrivate } from '../files.ts';
import type { Database, OpenOptions, Origin } from './database.ts';
import { checkSchema } from './migrations.ts';

/**
 * Opens the database and checks that its schema is the one this program was written for.
 * @param author stands in the audit trail beside every change
 * @param options.origin where the address was read; a file that has a password in it has to be private
 * @throws DATABASE_MISSING, DATABASE_UNREACHABLE and the other DATABASE_… refusals, SCHEMA_MISSING, SCHEMA_OUTDATED,
 *   SCHEMA_NEWER, SECRET_FILE_MODE
 */
export async function openDatabase(
  url: DatabaseUrl,
  author: Author,
  options: OpenOptions & { readonly origin?: Origin } = {},
): Promise<Database> {
  const { origin = { name: 'the address', isFile: false } } = options;
  if (url.backend === 'postgresql' && url.password !== '' && origin.isFile) requirePrivate(origin.name);
  const database =
    url.backend === 'sqlite'
      ? (await import('./sqlite.ts')).openSqlite(url.path, author, { create: options.create ?? false })
      : (await import('./postgres.ts')).openPostgres(url, author, {
          statementSeconds: options.statementSeconds ?? 600,
          origin,
        });
  if (options.anySchema === true) return database;
  try {
    await checkSchema(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
