import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import type { Database } from '../../src/lib/io/db/database.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { runner } from '../../src/lib/io/run.ts';
import type { Context } from '../../src/lib/ops/context.ts';

/** What an op needs in a process of its own, on an open database that the process closes at its end. */
export async function workerContext(
  url: string,
  now: Instant,
): Promise<{ context: Context; database: Database }> {
  const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', now));
  const context: Context = {
    ...readConfig([], {}, { 'database.url': url }),
    now,
    asUser: null,
    db: async () => database,
    ldap: () => Promise.reject(new Error('no directory')),
    run: runner({ useSudo: false, show: null }),
    showsProgress: false,
    progress: () => {},
  };
  return { context, database };
}
