// Lends networks one after the other, as one of several processes: node vpn-worker.ts URL FIRST COUNT
import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { runner } from '../../src/lib/io/run.ts';
import { testKey } from './served-pool.ts';
import { addNetwork } from './vpn.ts';

const [url = '', first = '', count = ''] = process.argv.slice(2);
const now = 1_750_000_000 as Instant;
const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', now));
const context = {
  ...readConfig([], {}, { 'database.url': url }),
  now,
  asUser: null,
  db: async () => database,
  ldap: () => Promise.reject(new Error('no directory')),
  run: runner({ useSudo: false, show: null }),
  showsProgress: false,
  progress: () => {},
};
const outcomes: string[] = [];
for (let number = Number(first); number < Number(first) + Number(count); number += 1) {
  try {
    outcomes.push((await addNetwork(context, testKey(number))).network);
  } catch (error) {
    outcomes.push(error instanceof UserError ? error.code : String(error));
  }
}
await database.close();
process.stdout.write(JSON.stringify(outcomes));
