// Lends networks one after the other, as one of several processes: node vpn-worker.ts URL FIRST COUNT
import { UserError } from '../../src/lib/core/errors.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { testKey } from './served-pool.ts';
import { addNetwork } from './vpn.ts';
import { workerContext } from './worker-context.ts';

const [url = '', first = '', count = ''] = process.argv.slice(2);
const now = 1_750_000_000 as Instant;
const { context, database } = await workerContext(url, now);
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
