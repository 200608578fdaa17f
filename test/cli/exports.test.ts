import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { testKey } from '../support/served-pool.ts';

describeDatabases('exports', (databases) => {
  it('give back the rows of the imports', async () => {
    const url = await databases.freshUrl();
    const run = async (words: string, stdin = '') => uncloud(words.split(' '), { url, stdin });
    const pool = 'vpn pool create 2001:db8::/40 --hostname vpn-1.example.net --generate-key';
    const keys = { UNCLOUD_SECRETS_KEY_FILE: join(databases.folder, 'export.key') };
    expect(await uncloud(pool.split(' '), { url, environment: keys })).toMatchObject({ code: 0 });
    const files = {
      user: 'username,full_name,email,organization,street,city,postal_code,country,vat_number,vat_checked_on,language\r\nanna,,,,,,,,,,en\r\n',
      product:
        'name,description,period,one_time_price,recurring_price,currency,default\r\nVM,,30d,5.00,10.50,CHF,true\r\n',
      order:
        'username,product,quantity,starts_at,ends_at,period,recurring_price,one_time_price,currency,' +
        'commitment_periods,charge,description,replaces,not_for_billing,reference\r\n' +
        'anna,VM,2,2025-01-01T00:00:00Z,,30d,10.50,5.00,CHF,1,advance,VM,,,a-1\r\n',
      'vpn network': `username,public_key,size,reference\r\nanna,${testKey(1)},48,\r\n`,
    };
    for (const [things, content] of Object.entries(files)) {
      expect(await run(`${things} import -`, content)).toMatchObject({ code: 0 });
      expect(await run(`${things} export`)).toEqual({
        code: 0,
        stdout: content,
        stderr: `Exported 1 ${{ user: 'users', product: 'prices', order: 'orders' }[things] ?? 'networks'}.\n`,
      });
    }
  });

  it('go to a new file, whose name tells how', async () => {
    const url = await databases.freshUrl();
    await uncloud(['user', 'import', '-'], { url, stdin: 'username\nanna\n' });
    const output = join(databases.folder, 'users.jsonl');
    const args = ['user', 'export', '--output', output];
    expect(await uncloud([...args, '--json'], { url })).toMatchObject({
      stdout: `${JSON.stringify({ schema_version: 1, output, rows: 1 }, null, 2)}\n`,
    });
    expect(await readFile(output, 'utf8')).toBe('{"username":"anna","language":"en"}\n');
    await writeFile(output, 'mine');
    expect(await uncloud(args, { url })).toMatchObject({ code: 1, stdout: '' });
    expect(await readFile(output, 'utf8')).toBe('mine');
    const refusal = await uncloud(['user', 'export', '--json'], { url });
    expect(refusal).toMatchObject({ code: 2, stdout: expect.stringContaining('OUTPUT_NEEDED') });
    expect(refusal.stdout).toContain('uncloud user export --json --output FILE');
  });
});
