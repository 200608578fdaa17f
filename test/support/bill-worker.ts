// Bills everybody in batches of ten users and says when it begins: node bill-worker.ts URL UNTIL
import { type Instant, parseInstant } from '../../src/lib/core/instant.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { workerContext } from './worker-context.ts';

const [url = '', until = ''] = process.argv.slice(2);
const now = parseInstant(until, 0 as Instant);
const { context, database } = await workerContext(url, now);
process.stdout.write('begins\n');
await generateBills(context, { usersPerBatch: 10 });
await database.close();
