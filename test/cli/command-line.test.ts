import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redact } from '../../src/lib/cli/report.ts';
import { homeFolder } from '../../src/lib/io/account.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

let folder = '';
let url = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'uncloud-cli-'));
  url = `sqlite:${join(folder, 'test.db')}`;
  await uncloudJson(['migrate'], { url });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('refusals and usage', () => {
  it('an unknown command names the close ones, and under --json is a document', async () => {
    expect(await uncloud(['bill', 'genrate'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Error: There is no command "bill genrate".\n  Did you mean: uncloud bill generate?\n',
    });
    const { error } = await uncloudJson(['nonsense'], { code: 2 });
    expect(error).toMatchObject({
      code: 'UNKNOWN_COMMAND',
      exit: 2,
      hint: 'List the commands with: uncloud help',
    });
  });

  it('a word too many is named, and one behind a topic is no command', async () => {
    expect((await uncloud(['user', 'list', 'extra', 'words'])).stderr).toBe(
      'Error: Unexpected arguments: extra words.\n  See: uncloud user list --help\n',
    );
    expect((await uncloud(['info', 'a b', 'c:d'])).stderr).toContain('Unexpected arguments: a b c:d.');
  });

  it.each([
    ['vpn nonsense', 'There is no command "vpn nonsense".', 'List the commands with: uncloud help vpn'],
    ['bill shw 5', 'There is no command "bill shw".', 'Did you mean: uncloud bill show?'],
    ['vpn pol create 7', 'There is no command "vpn pol create".', 'Did you mean: uncloud vpn pool create?'],
    [
      'migrat postgres://nico:hunter2@db/uncloud',
      'There is no command "migrat".',
      'Did you mean: uncloud migrate?',
    ],
    [
      'migrate postgres://nico:hunter2@db/uncloud',
      'Unexpected argument: postgres://nico@db/uncloud.',
      'See: uncloud migrate --help',
    ],
  ])('%s: %s', async (line, message, hint) => {
    expect((await uncloud(line.split(' '))).stderr).toBe(`Error: ${message}\n  ${hint}\n`);
  });

  it.each([
    ['user show', 'The argument USERNAME is missing: Name of the user.', 'See: uncloud user show --help'],
    ['user sync --prun', 'There is no flag --prun.', 'Did you mean: --prune'],
    ['bill export 1 --fromat pdf', 'There is no flag --fromat.', 'Did you mean: --format'],
    ['user list --no-staf', 'There is no flag --no-staf.', 'Did you mean: --no-staff'],
    ['user list --stafff', 'There is no flag --stafff.', 'Did you mean: --staff'],
    ['user sync --no-prun', 'There is no flag --no-prun.', 'See: uncloud user sync --help'],
    ['bill report --by vat --cvs x', 'There is no flag --cvs.', 'Did you mean: --csv'],
    ['bootstrap-user nico', 'Unexpected argument: nico.', 'Did you mean: --username nico'],
    [
      'bill list --unpaid --drafts',
      '--drafts and --unpaid exclude each other.',
      'See: uncloud bill list --help',
    ],
    ['user import x --rejects y', '--rejects needs --partial.', 'See: uncloud user import --help'],
    [
      'payment record 1 --amount 5',
      'The flag --date is missing: The day on which the money arrived. ' +
        "The flag --reference is missing: The bank's reference, or another name that the bill's payments do not have yet.",
      'See: uncloud payment record --help',
    ],
    [
      '--database sqlite:x migrate --list',
      'The flag --database stands before the command.',
      'Did you mean: uncloud migrate --list --database sqlite:x',
    ],
  ])('uncloud %s: says what is wrong and what was probably meant', async (line, message, hint) => {
    const { code, stderr } = await uncloud(line.split(' '), { url });
    expect({ code, stderr }).toEqual({ code: 2, stderr: `Error: ${message}\n  ${hint}\n` });
  });

  it('no folder is made whose name may be misspelt', async () => {
    const there = join(folder, 'no where');
    const hint = `If that is what you mean, make it with: mkdir -p '${there}'`;
    for (const args of [
      ['db', 'dump', '-o', join(there, 'x')],
      ['config', 'init', join(there, 'x')],
    ]) {
      const { error } = await uncloudJson(args, { url, code: 1 });
      expect(error).toMatchObject({ code: 'FOLDER_MISSING', hint });
    }
  });

  it('the name of a file cannot steer the terminal, neither in a refusal nor in what is said', async () => {
    const name = '\u001b[31mred\n.toml';
    const missing = await uncloud(['config', 'show', '-c', name], { cwd: folder });
    expect(missing.stderr).toBe(
      'Error: The configuration file "\\u001b[31mred\\n.toml" cannot be used: no such file or folder.\n' +
        "  Correct its name, or write it with: uncloud config init $'\\u001b[31mred\\n.toml'\n",
    );
    const written = await uncloud(['config', 'init', '\u001b[31m.toml'], { cwd: folder });
    expect(written.stderr).toMatch(/^Wrote \\u001b\[31m\.toml\. /);
  });

  it('a value cannot steer the terminal out of a document either, and means the same', async () => {
    const name = 'C1 \u009b31m DEL \u007f override \u202e';
    const stdin = `username,full_name\nnico,${name}\n`;
    const { code, stdout } = await uncloud(['user', 'import', '-', '--json'], { url, stdin });
    expect(code).toBe(1);
    expect(stdout).toContain('C1 \\u009b31m DEL \\u007f override \\u202e');
    expect(stdout).not.toMatch(/[\u007f\u009b\u202e]/);
    expect(JSON.parse(stdout).error.refused[0].value).toBe(name);
  });

  it('an argument that is not UTF-8 is refused: nobody is called Z\ufffdrich', async () => {
    const via = ['sh', '-c', 'exec "$@" "$(printf \'Z\\374rich\')"', 'sh'];
    const { code, stderr } = await uncloud(['bootstrap-user', '--username', 'anna', '--city'], { url, via });
    expect(stderr).toBe(
      'Error: The argument "Z\ufffdrich" is not UTF-8; \ufffd stands for what could not be read.\n' +
        '  Set the terminal to UTF-8, or convert the script: iconv -f LATIN1 -t UTF-8 OLD > NEW\n',
    );
    expect(code).toBe(2);
  });

  it('a folder that is gone is no bug, and no matter where no path is relative to it', async () => {
    const via = ['sh', '-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', 'sh'];
    const gone = await uncloud(['info'], { url: 'sqlite:test.db', cwd: folder, via });
    expect(gone.stderr).toBe(
      'Error: The folder that uncloud was started in does not exist any more.\n' +
        '  Go to one that does, for example with: cd ~\n',
    );
    expect(gone.code).toBe(1);
    expect(await uncloud(['info'], { url, cwd: folder, via })).toMatchObject({ code: 0 });
  });

  it('every fault of a file of VAT rates is listed', async () => {
    const stdin =
      'start_date,stop_date,territory_codes,currency_code,rate,rate_type,description\n' +
      '2020-01-01,,CH,CHF,8,standard,\nxx,,DE,EUR,0.19,standard,\n';
    const { code, stdout, stderr } = await uncloud(['import-vat-rates', '-'], { url, stdin });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^LINE +COLUMN +REASON\n +2 {2}rate .*\n +3 {2}start_date .*\n$/);
    expect(stderr).toContain('line 2, rate: "8" is not a VAT rate.');
  });

  it('an unknown flag and a missing one are wrong usage, and --json says nothing else', async () => {
    expect(await uncloud(['migrate', '--nonsense'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Error: There is no flag --nonsense.\n  See: uncloud migrate --help\n',
    });
    const outcome = await uncloud(['bootstrap-user', '--json']);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toBe('');
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      schema_version: 1,
      error: { code: 'USAGE', exit: 2 },
    });
  });

  it('a malformed value of a flag is wrong usage', async () => {
    const { error } = await uncloudJson(['vat-rate', 'list', '--on', '31.12.2025'], { url, code: 2 });
    expect(error).toMatchObject({ code: 'INVALID_DAY' });
  });

  it('help and the version are not errors', async () => {
    expect((await uncloud(['--version'])).stdout).toMatch(/^uncloud\/\d+\.\d+\.\d+ linux-\w+ node-v\d+/);
    for (const args of [[], ['--help'], ['help'], ['migrate', '--help'], ['help', 'bill'], ['vpn', 'pool']]) {
      const { code, stdout } = await uncloud(args);
      expect(code, args.join(' ')).toBe(0);
      expect(stdout).toContain('USAGE');
    }
  });

  it('a bug shows its stack and ends with 70', async () => {
    const preload = join(folder, 'bug.mjs');
    writeFileSync(preload, 'Date.now = () => { throw new TypeError("the clock\\u009b is broken"); };');
    const environment = { NODE_OPTIONS: `--import=${preload}` };
    const { code, stdout, stderr } = await uncloud(['info', '--json'], { url, environment });
    expect(stderr).toContain('TypeError: the clock\\u009b is broken\n    at ');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'BUG', exit: 70 } });
    expect(code).toBe(70);
  });
});

describe('configuration', () => {
  it('a file with wrong keys and values is refused with all its faults', async () => {
    const file = join(folder, 'wrong.toml');
    writeFileSync(file, '[database]\nuri = "sqlite:x"\n[billing]\npayment_days = "soon"\n');
    const { error } = await uncloudJson(['config', 'show', '-c', file], { code: 1 });
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    expect((error as { faults: string[] }).faults).toEqual([
      `${file}: database.uri is no key (did you mean database.url?)`,
      `${file}: billing.payment_days is "soon", not a whole number from 0 to 3650`,
    ]);
  });

  it('is told with the files and variables that gave something', async () => {
    const file = join(folder, 'days.toml');
    writeFileSync(file, '[billing]\npayment_days = 30\n', { mode: 0o600 });
    const sources = { configuration: ['UNCLOUD_DATABASE_URL', file] };
    expect(await uncloudJson(['info', '-c', file], { url })).toMatchObject(sources);
    const { stdout } = await uncloud(['info', '--database', url], {});
    expect(stdout).toContain('configuration       --database\n');
  });

  it('variables that are misspelt are refused, those of others are not', async () => {
    const environment = {
      UNCLOUD_DATABSE_URL: 'sqlite:x',
      UNCLOUD_LDAP_HOST: 'x',
      UNCLOUD_CONFIG: 'x',
      UNCLOUD_DATABASE: 'x',
      UNCLOUD_DB_URL: 'x',
      UNCLOUD_LOG_LEVEL: 'x',
      UNCLOUD_BILLING_DAYS: 'x',
      UNCLOUD_FOO: 'x',
      UNCLOUD_DEBUG: '0',
      UNCLOUD_AC_BASH_SETUP_PATH: '/x',
      UNCLOUDY: '',
    };
    const { error } = await uncloudJson(['config', 'show'], { environment, code: 1 });
    expect((error as { faults: string[] }).faults).toEqual([
      'UNCLOUD_DATABSE_URL is no variable (did you mean UNCLOUD_DATABASE_URL?)',
      'UNCLOUD_LDAP_HOST is no variable',
      'UNCLOUD_CONFIG is no variable (a file is named by --config FILE)',
      'UNCLOUD_DATABASE is no variable (did you mean UNCLOUD_DATABASE_URL?)',
      'UNCLOUD_DB_URL is no variable (did you mean UNCLOUD_DATABASE_URL?)',
      'UNCLOUD_LOG_LEVEL is no variable (did you mean UNCLOUD_LOGGING_LEVEL?)',
      'UNCLOUD_BILLING_DAYS is no variable (did you mean UNCLOUD_BILLING_PAYMENT_DAYS?)',
      'UNCLOUD_FOO is no variable',
    ]);
  });

  it.runIf(process.getuid?.() === 0)(
    "the system's file is read once where it is the user's too, also by an account without a name",
    async () => {
      const file = '/etc/uncloud/config.toml';
      // The machine's own /etc stays as it is: the child sees one without accounts.
      const etc = `mount -t tmpfs none /etc && mkdir /etc/uncloud && echo '[billing]' >${file} && exec "$@"`;
      const via = ['unshare', '--mount', 'sh', '-c', etc, 'sh'];
      for (const home of [[], ['env', '--unset=HOME']]) {
        const { stderr } = await uncloud(['config', 'show', '--verbose'], { via: [...via, ...home] });
        expect(stderr).toMatch(new RegExp(`^Configuration: ${file}\n`));
      }
    },
  );

  it.runIf(process.getuid?.() === 0)(
    'root obeys no file by itself that others may have written, unless it is named',
    async () => {
      const home = mkdtempSync(join(folder, 'home-'));
      const file = join(home, 'uncloud', 'config.toml');
      mkdirSync(dirname(file));
      writeFileSync(file, '[billing]\npayment_days = 30\n', { mode: 0o644 });
      const environment = { XDG_CONFIG_HOME: home };
      const show = () => uncloud(['config', 'show'], { environment });
      expect((await show()).stdout).toMatch(/payment_days\s+30\b/);

      chownSync(file, 4711, 0);
      const { code, stdout, stderr } = await show();
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('it belongs to the account with the id 4711.');
      expect((await uncloud(['config', 'show', '-c', file])).code).toBe(0);

      chownSync(file, 0, 0);
      chmodSync(file, 0o664);
      expect((await show()).stderr).toContain('others may write it (mode 0664).');
    },
  );

  it('a plugin in a home is not looked for', async () => {
    const home = join(folder, 'plugins');
    mkdirSync(join(home, '.local/share/uncloud'), { recursive: true });
    writeFileSync(join(home, '.local/share/uncloud/package.json'), 'no JSON');
    for (const words of [['info'], ['--help']])
      expect(await uncloud(words, { url, environment: { HOME: home } })).toMatchObject({
        code: 0,
        stderr: '',
      });
  });

  it('a HOME that is no path leads to the home of the account, never into the current folder', () => {
    const { homedir } = userInfo();
    expect(['', 'here', './here'].map((HOME) => homeFolder({ HOME }))).toEqual([homedir, homedir, homedir]);
    expect([homeFolder({}), homeFolder({ HOME: '/srv/anna' })]).toEqual([homedir, '/srv/anna']);
  });

  it('a missing file and one that is not TOML are refused', async () => {
    const file = join(folder, 'broken.toml');
    writeFileSync(file, '[database\n');
    const broken = await uncloud(['config', 'show', '-c', file]);
    const refused = 'Error: The configuration file';
    expect(broken).toMatchObject({
      code: 1,
      stderr:
        `${refused} "${file}" cannot be used: line 1, column 10: illegal character in key.\n` +
        '  Correct it; an example with every key is printed by: uncloud config init -\n',
    });
    expect((await uncloud(['config', 'show', '-c', '/nonexistent.toml'])).stderr).toBe(
      `${refused} "/nonexistent.toml" cannot be used: no such file or folder.\n` +
        '  Correct its name, or write it with: uncloud config init /nonexistent.toml\n',
    );
    expect((await uncloud(['config', 'show', '-c', folder])).stderr).toBe(
      `${refused} "${folder}" cannot be used: it is a directory.\n` +
        '  Let this account read it, or name another file with --config.\n',
    );
  });

  it('a flag is stronger than the environment, which is stronger than the file', async () => {
    const file = join(folder, 'config.toml');
    writeFileSync(file, '[database]\nurl = "sqlite:file.db"\n[billing]\npayment_days = 30\n');
    const urlWith = async (args: string[], environment: Record<string, string>) => {
      const { config } = await uncloudJson(['config', 'show', '-c', file, ...args], { environment });
      return (config as { key: string; value: unknown }[]).find(({ key }) => key === 'database.url')?.value;
    };
    const environment = { UNCLOUD_DATABASE_URL: 'sqlite:environment.db' };
    expect(await urlWith([], {})).toBe('sqlite:file.db');
    expect(await urlWith([], environment)).toBe('sqlite:environment.db');
    expect(await urlWith(['--database', 'sqlite:flag.db'], environment)).toBe('sqlite:flag.db');
  });

  it('init writes a file that is valid, private, and never overwritten', async () => {
    const file = join(folder, 'init.toml');
    await uncloudJson(['config', 'init', file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await uncloudJson(['config', 'show', '-c', file]);
    expect((await uncloudJson(['config', 'init', file], { code: 1 })).error).toMatchObject({
      code: 'FILE_EXISTS',
    });
    const other = join(folder, 'other.toml');
    expect(await uncloudJson(['config', 'init', '-c', other])).toMatchObject({ file: other });
    await uncloudJson(['config', 'show', '-c', other]);
  });

  it('init - prints what it would write, and makes no file', async () => {
    const nowhere = mkdtempSync(join(folder, 'nowhere-'));
    await uncloudJson(['config', 'init', 'file.toml'], { cwd: nowhere });
    const written = readFileSync(join(nowhere, 'file.toml'), 'utf8');
    expect(await uncloud(['config', 'init', '-'], { cwd: nowhere })).toEqual({
      code: 0,
      stdout: written,
      stderr: '',
    });
    const document = await uncloudJson(['config', 'init', '-'], { cwd: nowhere });
    expect(document).toMatchObject({ file: null, config: written });
    expect(readdirSync(nowhere)).toEqual(['file.toml']);
  });
});

describe('the log', () => {
  it('has a private line for every command that ends, and is rotated', async () => {
    const file = join(folder, 'uncloud.log');
    const environment = { UNCLOUD_LOGGING_FILE: file, UNCLOUD_LOGGING_MAX_BYTES: '1024' };
    await uncloud(['user', 'list'], { url, environment });
    await uncloud(['user', 'show', 'nobody'], { url, environment });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines[0]).toMatch(/^\d{4}-.*Z info \[\d+\] user list ended with 0 after \d+ ms$/);
    expect(lines[1]).toMatch(
      / error .* user show ended with 1 after \d+ ms: UNKNOWN_USER: There is no user "nobody"/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, 'x'.repeat(1024));
    await uncloud(['user', 'list'], { url, environment });
    expect(statSync(`${file}.1`).size).toBe(1024);
    expect(readFileSync(file, 'utf8')).toMatch(/user list ended/);
  });

  it('cannot steer the terminal that shows it', async () => {
    const file = join(folder, 'steering.log');
    const [wg, ip] = [join(folder, 'wg'), join(folder, 'ip')];
    writeFileSync(wg, `#!/bin/sh\nprintf 'a\\033]0;owned\\007' >&2; exit 1\n`, { mode: 0o755 });
    writeFileSync(ip, '#!/bin/sh\necho []\n', { mode: 0o755 });
    const environment = {
      UNCLOUD_LOGGING_FILE: file,
      UNCLOUD_WIREGUARD_WG_COMMAND: wg,
      UNCLOUD_WIREGUARD_IP_COMMAND: ip,
      UNCLOUD_WIREGUARD_USE_SUDO: 'false',
    };
    const args = ['vpn', '--hostname', 'vpn-1.example.net', '--config-directory', folder];
    expect((await uncloud(args, { url, environment })).code).toBe(1);
    const log = readFileSync(file, 'utf8');
    expect(log).toContain('a\\u001b]0;owned\\u0007');
    expect(log).not.toContain('\u001b');
  });

  it('that cannot be written is a warning', async () => {
    const environment = { UNCLOUD_LOGGING_FILE: '/nowhere/uncloud.log' };
    const { code, stderr } = await uncloud(['user', 'list'], { url, environment });
    expect(code).toBe(0);
    expect(stderr).toContain(
      'Warning: this run is not in the log: The file "/nowhere/uncloud.log" cannot be written: no such file or folder.',
    );
  });
});

describe('compiled code', () => {
  const run = (cache: string) => uncloud(['info'], { url, environment: { XDG_CACHE_HOME: cache } });

  it('is kept in a folder of the user only, which is made', async () => {
    const cache = mkdtempSync(join(folder, 'cache-'));
    await run(cache);
    expect(statSync(join(cache, 'uncloud')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(cache, 'uncloud'))).toEqual(['compiled']);
  });

  it('is neither read nor written where somebody else could put it', async () => {
    const cache = mkdtempSync(join(folder, 'cache-'));
    const own = join(cache, 'uncloud');
    const lay = {
      'writable by others': () => chmodSync(own, 0o777),
      'a link': () => symlinkSync(mkdtempSync(join(folder, 'elsewhere-')), own),
      ...(process.getuid?.() === 0 ? { 'of another account': () => chownSync(own, 65534, 65534) } : {}),
    };
    for (const [what, change] of Object.entries(lay)) {
      rmSync(own, { recursive: true, force: true });
      if (what !== 'a link') mkdirSync(own);
      change();
      expect((await run(cache)).code, what).toBe(0);
      expect(readdirSync(own), what).toEqual([]);
    }
  });
});

describe('secrets', () => {
  it('a password in --database is refused and not repeated', async () => {
    const address = 'postgres://uncloud:geheim@127.0.0.1:1/uncloud';
    const { code, stdout, stderr } = await uncloud(['info', '--database', address]);
    expect(code).toBe(2);
    expect(stderr).toContain('UNCLOUD_DATABASE_URL');
    expect(stdout + stderr).not.toContain('geheim');
  });

  it('a password in the environment is never printed', async () => {
    const environment = { UNCLOUD_DATABASE_URL: 'postgres://uncloud:geheim@127.0.0.1:1/uncloud' };
    for (const args of [
      ['info'],
      ['doctor'],
      ['config', 'show'],
      ['migrate'],
      ['user', 'list', '--json'],
      ['info', '-v'],
    ]) {
      const { stdout, stderr } = await uncloud(args, { environment });
      expect(stdout + stderr, args.join(' ')).toContain('uncloud@127.0.0.1');
      expect(stdout + stderr, args.join(' ')).not.toContain('geheim');
    }
  });

  it('redaction takes passwords out of addresses and keys from behind their names', () => {
    const key = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
    expect(redact(`postgres://a:b@c/d and PrivateKey = ${key}`)).toBe(
      'postgres://a@c/d and PrivateKey = [removed]',
    );
    expect(redact(`PublicKey = ${key}`)).toContain(key);
  });

  it('redaction of a long word takes no time', () => {
    const word = 'a'.repeat(100_000);
    const start = performance.now();
    expect(redact(word)).toBe(word);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('streams and signals', () => {
  it.each([
    ['user import - --partial --rejects -', 'Refused rows go'],
    ['service create x --secret-file -', 'The secret goes'],
    ['service rotate x --secret-file -', 'The secret goes'],
    ['vpn host grant vpn-1.example.net --password-file -', 'The password goes'],
  ])('what is for a file only makes none that is called -: %s', async (words, content) => {
    const nowhere = mkdtempSync(join(folder, 'nowhere-'));
    const { error } = await uncloudJson(words.split(' '), { url, cwd: nowhere, code: 2 });
    expect(error).toMatchObject({
      code: 'FILE_NEEDED',
      message: expect.stringMatching(`^--[a-z-]+: ${content} to a file, not to standard output\\.$`),
    });
    expect(readdirSync(nowhere)).toEqual([]);
  });

  it('never reads what is piped to it unless asked', async () => {
    const loop = `printf 'a\\nb\\nc\\n' | while read -r name; do "${process.execPath}" "${PROGRAM}" bootstrap-user --username "$name" --no-ldap -q; done`;
    const child = spawn('sh', ['-c', loop], {
      env: { ...process.env, UNCLOUD_DATABASE_URL: url },
      stdio: 'ignore',
    });
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
    const { users } = await uncloudJson(['user', 'list'], { url });
    expect((users as { username: string }[]).map(({ username }) => username)).toEqual(['a', 'b', 'c']);
  });

  it('goes on when its reader has gone, and counts no rows that nobody read', async () => {
    const errorsOf = async (reader: string, ...words: string[]) => {
      const command = `"${process.execPath}" "${PROGRAM}" ${words.join(' ')}; echo $? >&2`;
      const child = spawn('bash', ['-c', `{ ${command}; } | ${reader}`], {
        env: { ...process.env, UNCLOUD_DATABASE_URL: url },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      await new Promise((resolve) => child.on('close', resolve));
      return stderr;
    };
    expect(await errorsOf('head -1', 'migrate', '--sql', '--database', `sqlite:${folder}/none.db`)).toBe(
      '0\n',
    );
    expect(await errorsOf('true', 'user', 'export')).toBe('0\n');
    expect(await errorsOf('cat', 'user', 'export')).toMatch(/^Exported \d+ users?\.\n0\n$/);
  });

  const signalled = async (signal: NodeJS.Signals, words: string[], stdout: 'pipe' | number = 'pipe') => {
    const child = spawn(process.execPath, [PROGRAM, 'import-vat-rates', '-', ...words], {
      env: { ...process.env, UNCLOUD_DATABASE_URL: url },
      stdio: ['pipe', stdout, 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk) => {
      said.stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      said.stderr += chunk;
    });
    // More than a pipe holds: once it is written, the command reads.
    await new Promise((resolve) => child.stdin?.write('\n'.repeat(2 ** 21), resolve));
    child.kill(signal);
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, ...said };
  };

  it.each([
    ['SIGINT', 130, 'Interrupted'],
    ['SIGTERM', 143, 'Terminated'],
  ] as const)(
    '%s ends a waiting command with %i, and under --json with a document',
    async (signal, code, word) => {
      const message = `${word}: finished work stays, unfinished work is rolled back.`;
      const hint = 'If any is left, running the command again completes it.';
      expect(await signalled(signal, [])).toEqual({ code, stdout: '', stderr: `\n${message} ${hint}\n` });
      const document = { schema_version: 1, error: { code: word.toUpperCase(), message, hint, exit: code } };
      const { stdout, ...rest } = await signalled(signal, ['--json']);
      expect(rest).toEqual({ code, stderr: '' });
      expect(JSON.parse(stdout)).toEqual(document);
      const file = join(folder, `${signal}.json`);
      const descriptor = openSync(file, 'w');
      expect(await signalled(signal, ['--json'], descriptor)).toEqual({ code, stdout: '', stderr: '' });
      closeSync(descriptor);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(document);
    },
  );

  it('an interrupt after the document was begun adds no second one', async () => {
    const UNCLOUD_DATABASE_URL = `sqlite:${join(folder, 'many.db')}`;
    await uncloudJson(['migrate'], { url: UNCLOUD_DATABASE_URL });
    const rows = Array.from({ length: 5000 }, (_, index) => `user-${index}\n`);
    const stdin = `username\n${rows.join('')}`;
    await uncloudJson(['user', 'import', '-'], { url: UNCLOUD_DATABASE_URL, stdin });
    const child = spawn(process.execPath, [PROGRAM, 'user', 'list', '--json'], {
      env: { ...process.env, UNCLOUD_DATABASE_URL },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // Nobody reads on: what the pipe does not hold is left to be written.
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdout.pause();
    child.kill('SIGINT');
    child.once('exit', () => child.stdout.resume());
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(stdout.startsWith('{\n  "schema_version": 1,\n  "users"')).toBe(true);
    expect(stdout).not.toContain('INTERRUPTED');
    expect(stderr).toContain('Interrupted: ');
  });

  it('NO_COLOR is obeyed beside FORCE_COLOR without a word of Node on stderr', async () => {
    const environment = { NO_COLOR: '1', FORCE_COLOR: '1' };
    const { stdout, stderr } = await uncloud(['user', 'list', '-q'], { url, environment });
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\u001b');
    const flagged = await uncloud(['user', 'list', '-q', '--no-color'], {
      url,
      environment: { FORCE_COLOR: '1' },
    });
    expect(flagged).toEqual({ code: 0, stdout, stderr });
  });

  it.each([
    [['import-vat-rates']],
    [['vpn', 'pool', 'create', '2a0a:e5c1:200::/40', '--hostname', 'a.example', '--private-key-file']],
  ])('an interrupt ends a command that waits for the writer of a named pipe: %s', async (words) => {
    const pipe = join(folder, `${words.length}.pipe`);
    spawnSync('mkfifo', ['-m', '600', pipe]);
    const child = spawn(process.execPath, [PROGRAM, ...words, pipe], {
      env: { ...process.env, UNCLOUD_DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let writer = openForWriting(pipe);
    for (; writer === null; writer = openForWriting(pipe))
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(130);
    closeSync(writer);
  });

  it.runIf(process.getuid?.() === 0)('a disk that fills up in the middle of the output is told', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const small = `mount -t tmpfs -o size=16k none ${disk} && exec "$@" >${disk}/out`;
    const via = ['unshare', '--mount', 'sh', '-c', small, 'sh'];
    const { code, stderr } = await uncloud(['migrate', '--sql', '--json'], {
      url: `sqlite:${folder}/none.db`,
      via,
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('could not be written to its end: no space left on the disk.'),
    });
  });

  it('an old Node.js that has no newer one beside it gets one clear line', async () => {
    const copy = join(folder, 'old', 'bin', 'run.js');
    mkdirSync(join(folder, 'old', 'bin'), { recursive: true });
    writeFileSync(join(folder, 'old', 'package.json'), '{"type":"module"}');
    writeFileSync(copy, readFileSync(PROGRAM, 'utf8').replace('process.versions.napi', '9'));
    const child = spawn(process.execPath, [copy], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(stderr).toMatch(
      /^Error: uncloud needs Node\.js 22\.14, 23\.6 or newer.*\n {2}Install a newer Node\.js.*\n$/,
    );
  });

  it.each(['uncloud/node_modules/node/bin', 'node/bin'])(
    'an old Node.js starts the newer one in %s',
    (place) => {
      const modules = join(folder, place, 'modules');
      const copy = join(modules, 'uncloud', 'bin', 'run.js');
      const node = join(modules, place, 'node');
      for (const file of [copy, node]) mkdirSync(dirname(file), { recursive: true });
      writeFileSync(join(modules, 'uncloud', 'package.json'), '{"type":"module"}');
      writeFileSync(copy, readFileSync(PROGRAM, 'utf8').replace('process.versions.napi', '9'));
      writeFileSync(node, '#!/bin/sh\necho "newer $@"; exit 3\n', { mode: 0o755 });
      const { status, stdout } = spawnSync(process.execPath, [copy, 'info'], { encoding: 'utf8' });
      expect([status, stdout]).toEqual([3, `newer ${copy} info\n`]);
    },
  );
});

/** Null as long as nobody has opened the pipe for reading. */
function openForWriting(pipe: string): number | null {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}
