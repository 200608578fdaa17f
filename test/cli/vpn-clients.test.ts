import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { type RunOptions, uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { addUser } from '../support/vpn.ts';

/** The keys of Bob in RFC 7748 §6.1, clamped; here those of a client. */
const PRIVATE_KEY = 'WKsIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Gs=';
const PUBLIC_KEY = '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=';

describeDatabases('the clients of the VPN at the command line', (databases) => {
  let options: RunOptions & { readonly url: string };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(databases.folder, 'clients-'));
    const context = await databases.context();
    await addUser(context);
    options = { url: context.url, environment: { UNCLOUD_SECRETS_KEY_FILE: join(folder, 'secrets.key') } };
  });

  const run = (args: string, stdin = '') => uncloud(args.split(' '), { ...options, stdin });
  const json = (args: string, stdin = '') => uncloudJson(args.split(' '), { ...options, stdin });
  const lend = async () => {
    const create = 'vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net --private-key-file -';
    await run(create, POOL.privateKey);
    await run(`vpn network create --user anna --public-key ${PUBLIC_KEY}`);
  };

  it('get a configuration: with a placeholder, in a file, as a drawing', async () => {
    await lend();
    const config = (key: string) => `# Network 1 of public key ${PUBLIC_KEY}
[Interface]
PrivateKey = ${key}
Address = 2a0a:e5c1:200::/48

[Peer]
PublicKey = ${POOL.publicKey}
Endpoint = vpn-1.example.net:51820
AllowedIPs = ::/0
PersistentKeepalive = 25
`;
    const placeholder = config('REPLACE_WITH_YOUR_PRIVATE_KEY');
    expect(await run('vpn network config 1')).toEqual({ code: 0, stdout: placeholder, stderr: '' });
    const withKey = 'vpn network config 1 --private-key-file -';
    expect(await json(withKey, PRIVATE_KEY)).toEqual({
      schema_version: 1,
      config: config(PRIVATE_KEY),
      output: null,
    });
    const output = join(folder, 'wg0.conf');
    expect(await run(`${withKey} --output ${output}`, PRIVATE_KEY)).toEqual({
      code: 0,
      stdout: '',
      stderr: `Wrote ${output}.\n`,
    });
    expect(await readFile(output, 'utf8')).toBe(config(PRIVATE_KEY));
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(await run(`${withKey} --output ${output}`, PRIVATE_KEY)).toMatchObject({ code: 1, stdout: '' });
    const drawn = await run(`${withKey} --qr`, PRIVATE_KEY);
    expect(drawn).toMatchObject({ code: 0, stderr: '' });
    expect(drawn.stdout).toMatch(/^[ ▀▄█\n]+$/);
    const keyless = await run('vpn network config 1 --qr');
    expect(keyless).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: The private key is missing: a phone takes the code as it is, and cannot put a key into it.
  Add the client's: uncloud vpn network config 1 --qr --private-key-file FILE; without --qr the client puts it in.
`,
    });
  });

  it('have their private key shown nowhere but where it was asked for', async () => {
    await lend();
    const keyFile = join(folder, 'client.key');
    await writeFile(keyFile, `${PRIVATE_KEY}\n`, { mode: 0o600 });
    const asked = `vpn network config 1 --private-key-file ${keyFile}`;
    const outcomes = [
      await run(`${asked} --output ${join(folder, 'one.conf')} -v`),
      await run(`${asked} --output ${join(folder, 'two.conf')} --json`),
      await run(`${asked} --output ${join(folder, 'two.conf')} --json`),
      await run(`vpn network config 2 --private-key-file ${keyFile}`),
      await run('vpn network config 1 --private-key-file -', `${PRIVATE_KEY}x`),
      await run(`${asked} --qr -v`),
    ];
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 1, 1, 1, 0]);
    for (const { stdout, stderr } of outcomes)
      expect(stdout + stderr).not.toContain(PRIVATE_KEY.slice(0, 40));
    const printed = await run(`${asked} -v`);
    expect(printed.stdout).toContain(PRIVATE_KEY);
    expect(printed.stderr).not.toContain(PRIVATE_KEY);
    const another = await run('vpn network config 1 --private-key-file -', POOL.privateKey);
    expect(another).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: The private key does not belong to the public key of network 1.
  Use the file that the key was made with, or: uncloud vpn network rotate-key 1 --public-key KEY
`,
    });
  });

  it('change their keys', async () => {
    await lend();
    const rotate = `vpn network rotate-key 1 --public-key ${testKey(1)}`;
    expect(await json(rotate)).toMatchObject({
      changed: true,
      networks: [{ id: 1, public_key: testKey(1) }],
    });
    const again = await run(rotate);
    expect(again).toMatchObject({ code: 0, stderr: 'Network 1 has this key already; nothing changed.\n' });
    expect(again.stdout).toContain(testKey(1));
    expect(await run(`vpn network rotate-key 1 --public-key ${POOL.publicKey}`)).toMatchObject({ code: 1 });
    expect(await run('vpn network rotate-key 1')).toMatchObject({ code: 2 });
  });

  it('are warned about when their pool changes its key', async () => {
    await lend();
    const rotate = 'vpn pool rotate-key 1 --private-key-file -';
    expect(await run(rotate, PRIVATE_KEY)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Error: Cut off the 1 client of pool 1? There is no terminal to ask on.\n' +
        '  Answer beforehand with --yes.\n',
    });
    expect(await run(`${rotate} --yes`, PRIVATE_KEY)).toMatchObject({ code: 1, stdout: '' });
    expect(await run(`${rotate} --yes`, POOL.privateKey)).toMatchObject({
      code: 0,
      stderr: 'Pool 1 has this key already; nothing changed.\n',
    });
    await run('vpn network delete 1 --yes');
    await run(`vpn network create --user anna --public-key ${testKey(1)}`);
    const { code, stdout, stderr } = await run(`${rotate} --yes -v`, PRIVATE_KEY);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Public key   ${PUBLIC_KEY}\n`)]);
    expect(stderr).toContain(`Warning: 1 client of pool 1 needs the new public key: ${PUBLIC_KEY}\n`);
    expect(stdout + stderr).not.toContain(PRIVATE_KEY.slice(0, 40));
    const made = await json('vpn pool rotate-key 1 --generate-key --yes');
    expect(made).toMatchObject({ changed: true, pools: [{ id: 1, used: '1' }] });
    expect(JSON.stringify(made)).not.toContain(PUBLIC_KEY);
    const render = `vpn --hostname vpn-1.example.net --render-only --config-directory ${folder}`;
    expect((await run(render)).stdout).toContain('wg0: create file wg0.conf\n');
  });

  it('are imported from CSV', async () => {
    await lend();
    const file = `username,public_key\nanna,${testKey(1)}\nnobody,${testKey(2)}\n`;
    const cure =
      'username: See all with: uncloud user list; create one with: uncloud bootstrap-user --username NAME --no-staff\n';
    expect(await run('vpn network import -', file)).toEqual({
      code: 1,
      stdout: `LINE  COLUMN    REASON
   3  username  There is no user "nobody".
`,
      stderr: `${cure}Error: "standard input" has a faulty row, so nothing was imported; the first is in line 3: There is no user "nobody".
  Correct the file and import it again, or import all other rows with --partial.
`,
    });
    const counts = `${cure}Imported networks: 1 inserted, 0 updated, 0 unchanged, 1 refused.\n`;
    expect(await run('vpn network import - --partial', file)).toMatchObject({ code: 3, stderr: counts });
    const good = file.replace('nobody', 'anna');
    expect(await run('vpn network import - --dry-run --exit-code', good)).toMatchObject({
      code: 4,
      stdout: '',
    });
    expect(await json('vpn network import -', good)).toMatchObject({ rows: 2, inserted: 1, unchanged: 1 });
    expect(await run('vpn network import -', good)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Nothing to change: all 2 networks are as in the file.\n',
    });
  });
});
