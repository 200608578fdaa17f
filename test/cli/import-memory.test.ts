import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { openImportWorld } from '../support/import-world.ts';

/** More than fit into the limit: kept as they are read, they take a KiB each. */
const ROWS = 150_000;
/** What is promised for any size of file. */
const MEBIBYTES = 200;

describeDatabases('the memory of an import', (databases) => {
  it('does not grow with its file, and a faulty row in ten makes no difference', async () => {
    const { url } = await openImportWorld(await databases.context());
    const file = join(databases.folder, 'orders.csv');
    const header =
      'username,product,quantity,starts_at,period,recurring_price,one_time_price,currency,description,reference';
    const rows = Array.from({ length: ROWS }, (_, number) => {
      const user = number % 10 === 0 ? 'nobody' : 'nico';
      return `${user},VM,1,2025-01-01,30d,10.50,5,CHF,A virtual machine of number ${number},order-${number}`;
    });
    await writeFile(file, `${[header, ...rows].join('\n')}\n`);
    const peak = join(databases.folder, 'peak');
    const script = `process.on('exit', () => process.getBuiltinModule('node:fs').writeFileSync(
      ${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS / 1024)))`;
    const args = ['order', 'import', file, '--partial', '--rejects', join(databases.folder, 'rejects.csv')];
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
    const { code, stderr } = await uncloud(args, { url, environment });
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining('135000 inserted, 0 updated, 0 unchanged, 15000 refused'),
    ]);
    expect(Number(await readFile(peak, 'utf8'))).toBeLessThan(MEBIBYTES);
  }, 60_000);
});
