import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { testKey } from '../support/served-pool.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const COLUMNS = 80;
const STREET = 'Strasse '.repeat(20).trim();
const ESCAPE = '\u001b';

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true;
const title = hasScript ? 'on a terminal' : 'on a terminal (skipped: script of util-linux is not installed)';

const folder = mkdtempSync(join(tmpdir(), 'uncloud-terminal-'));
const url = `sqlite:${join(folder, 'test.db')}`;
const environment = { XDG_CONFIG_HOME: folder };

beforeAll(async () => {
  const run = (args: string[], stdin = '') => uncloudJson(args, { url, environment, stdin });
  await run(['migrate']);
  await run(['db-add-defaults']);
  await run(['import-vat-rates']);
  await run(['user', 'import', '-'], `username,organization,country\nanna,${STREET},CH\n`);
  await run('bootstrap-user --username zoe --country FR --vat-number FR61954506077 --no-ldap'.split(' '));
  await run(['user', 'update', 'zoe', '--vat-checked-on', '2025-01-15']);
  await run(
    ['order', 'import', '-'],
    [
      'username,quantity,one_time_price,recurring_price,period,currency,starts_at,ends_at,description',
      `anna,1,-5,,once,CHF,2025-01-01,,${STREET}`,
      `anna,3,1,10,30d,CHF,2025-01-01,2026-01-01,${STREET}`,
      `zoe,1,-5,,once,EUR,2025-02-01,,${STREET}`,
    ].join('\n'),
  );
  await run(['provider', 'set', '--name', 'Example', '--country', 'CH']);
  await run(['bill', 'generate', '--until', '2025-02-03']);
  await run(['vpn', 'pool', 'create', '2a0a:e5c1:200::/40', '--hostname', 'a.example', '--generate-key']);
  await run(['vpn', 'network', 'create', '--user', 'anna', '--public-key', testKey(1)]);
  // Another writer of the database may store what the program itself refuses.
  const database = new Database(join(folder, 'test.db'));
  database.prepare('update users set full_name = ?').run(`${ESCAPE}]0;owned\u0007${ESCAPE}[2J\u202eanna`);
  database.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const TABLES = [
  'user list',
  'order list',
  'product list',
  'vat-rate list',
  'vpn pool list',
  'vpn network list',
];

describe.runIf(hasScript || process.env.CI)(title, () => {
  it('shows the progress of work that takes more than a second, and takes it away before the results', () => {
    const shown = onTerminal('user import - --partial', {}, slowRows('echo anna,nowhere'));
    expect(shown).toMatch(/\d+ \w+, \d+\/s/);
    const [, results = ''] = shown.split(new RegExp(`${ESCAPE}\\[2K(?!.*${ESCAPE})`, 's'));
    expect(results).toMatch(/^ *LINE .*\s+15002 /);
    expect(results).toMatch(/Imported users: 15000 inserted.*\r\n$/);
  });

  it('takes the progress away when it is interrupted, and has changed nothing else of the terminal', () => {
    const shown = onTerminal('user import -', {}, `${slowRows('sleep 3')} timeout --signal=INT 3.5`);
    expect(shown).toMatch(/\d+ \w+, \d+\/s/);
    expect(shown).toMatch(new RegExp(`\\[2K\r\nInterrupted: [^${ESCAPE}]*$`));
    expect(shown).not.toMatch(/\?25l|\?7l/);
  });

  it.each(TABLES)('%s fits into 80 columns', (words) => {
    const lines = onTerminal(words).split('\r\n');
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(COLUMNS);
  });

  it('a network is readable beside its key, which is cut', () => {
    expect(onTerminal('vpn network list')).toMatch(/ 2a0a:e5c1:200::\/48 .*\S{7}… /);
  });

  it('an order is readable: its price and the days of its instants are whole', () => {
    const [, once, monthly] = onTerminal('order list').split('\r\n');
    expect(once).toMatch(/ anna .* 1 +-5\.00 CHF once {2}2025-01-01$/);
    expect(monthly).toMatch(/ anna .* 3 {2}1\.00\+10\.00 CHF\/30d {2}2025-01-01 {2}2026-01-01$/);
  });

  it('a bill is readable: the days and amounts of its records are whole', () => {
    const records = onTerminal('bill show 1')
      .split('\r\n')
      .filter((line) => / \d{4}-\d\d-\d\d .* 8\.1 /.test(line));
    expect(records).toHaveLength(4);
    for (const record of records) expect(record.length, record).toBeLessThanOrEqual(COLUMNS);
    expect(records[2]).toMatch(/ 2025-01-01 {2}2025-01-30 +3 +10\.00 +8\.1 +30\.00$/);
  });

  it('a bill says why its VAT is as it is without breaking words', () => {
    const lines = onTerminal('bill show 2').split('\r\n');
    const reason = lines.slice(
      lines.findIndex((line) => line.startsWith('The buyer in FR')),
      -1,
    );
    expect(reason).toEqual([
      'The buyer in FR has a valid VAT number and owes the VAT (Directive 2006/112/EC',
      '  Art. 44 and 196).',
    ]);
  });

  it('colours the usage of a pool and the word Error, unless nobody wants it', () => {
    expect(onTerminal('vpn pool show 1')).toContain(`${ESCAPE}[32m█${ESCAPE}[0m`);
    const error = `${ESCAPE}[31mError:${ESCAPE}[39m There is no user`;
    expect(onTerminal('user show nobody')).toContain(error);
    expect(onTerminal('user show nobody', { NO_COLOR: '' })).toContain(error);
    for (const words of ['vpn pool show 1', 'user show nobody', 'vpn pool show --help', 'nonsense --help']) {
      for (const [flag, variables] of [
        ['', { NO_COLOR: '1' }],
        [' --no-color', {}],
        ['', { TERM: 'dumb' }],
      ] as const) {
        expect(onTerminal(words + flag, variables), words + flag).not.toContain(ESCAPE);
      }
    }
  });

  it('shows what is stored as text, whatever it would make a terminal do', () => {
    for (const words of ['user list', 'user show anna']) {
      const shown = onTerminal(words);
      expect(shown).not.toMatch(new RegExp(`[${ESCAPE}\u0007\u202e]`));
      expect(shown).toContain('\\u001b');
    }
  });
});

describe('in a pipe', () => {
  it.each(TABLES)('%s is never cut and never coloured', async (words) => {
    const { code, stdout, stderr } = await uncloud(words.split(' '), { url, environment });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toMatch(new RegExp(`…|${ESCAPE}`));
  });

  it('has the whole of a long value, and stored control characters escaped', async () => {
    const { stdout } = await uncloud(['user', 'list'], { url, environment });
    expect(stdout).toContain(STREET);
    expect(stdout).toContain('\\u001b]0;owned\\u0007\\u001b[2J\\u202eanna');
  });

  it('has no colour in a usage map or an error', async () => {
    for (const args of [
      ['vpn', 'pool', 'show', '1'],
      ['user', 'show', 'nobody'],
    ]) {
      const { stdout, stderr } = await uncloud(args, { url, environment });
      expect(stdout + stderr).not.toContain(ESCAPE);
    }
  });
});

/** Feeds the command behind it with 15000 users for more than two seconds. */
function slowRows(end: string): string {
  const some = (letter: string) => `seq --format=${letter}%.0f,CH 5000`;
  return `(echo username,country; ${some('a')}; sleep 2; ${some('b')}; sleep 0.5; ${some('c')}; ${end}) |`;
}

/** What a terminal of 80 columns receives: stdout and stderr, lines ending as terminals end them. */
function onTerminal(words: string, variables: Readonly<Record<string, string>> = {}, via = 'exec'): string {
  const command = `stty cols ${COLUMNS} rows 24; ${via} '${process.execPath}' '${PROGRAM}' ${words}`;
  const { stdout } = spawnSync('script', ['--quiet', '--command', command, '/dev/null'], {
    encoding: 'utf8',
    input: '',
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      TERM: 'xterm',
      NODE_ENV: 'production',
      UNCLOUD_DATABASE_URL: url,
      ...environment,
      ...variables,
    },
  });
  return stdout;
}
