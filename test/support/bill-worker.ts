// Bills everybody in batches of ten users and says when it begins: node bill-worker.ts URL UNTIL
import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { type Instant, parseInstant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { runner } from '../../src/lib/io/run.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';

const [url = '', until = ''] = process.argv.slice(2);
const now = parseInstant(until, 0 as Instant);
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
process.stdout.write('begins\n');
await generateBills(context, { usersPerBatch: 10 });
await database.close();
