import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { parsePublicKey } from '../../src/lib/core/wireguard-key.ts';
import { clientConfig } from '../../src/lib/ops/vpn-client-config.ts';
import { showPool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases } from '../support/databases.ts';
import { POOL } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser } from '../support/vpn.ts';

/** The keys of Bob in RFC 7748 §6.1, clamped. */
const PRIVATE_KEY = 'WKsIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Gs=';
const PUBLIC_KEY = parsePublicKey('3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=');

describeDatabases('the configuration of a client', (databases) => {
  const world = async () => {
    const context = await databases.context();
    await addUser(context);
    await addPool(context);
    await addNetwork(context, PUBLIC_KEY);
    return context;
  };
  const fileOf = async (name: string, text: string) => {
    const file = join(databases.folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const NONE = { networkId: 1, privateKeyFile: null, output: null };

  it('has a placeholder, or the private key that belongs to the network', async () => {
    const context = await world();
    const { pool } = await showPool(context, 1);
    const withKey = (key: string) => `# Network 1 of public key ${PUBLIC_KEY}
[Interface]
PrivateKey = ${key}
Address = 2a0a:e5c1:200::/48

[Peer]
PublicKey = ${pool.publicKey}
Endpoint = vpn-1.example.net:51820
AllowedIPs = ::/0
PersistentKeepalive = 25
`;
    expect(await clientConfig(context, NONE)).toBe(withKey('REPLACE_WITH_YOUR_PRIVATE_KEY'));
    const privateKeyFile = await fileOf('bob.key', `${PRIVATE_KEY}\n`);
    expect(await clientConfig(context, { ...NONE, privateKeyFile })).toBe(withKey(PRIVATE_KEY));
  });

  it('is refused when the database holds a host that would be more than one line of it', async () => {
    const context = await world();
    const { kysely } = await context.db();
    const hostname = 'vpn-1.example.net\n[interface]\npostup = reboot';
    await kysely.updateTable('vpn_pools').set({ hostname }).execute();
    await expect(clientConfig(context, NONE)).rejects.toMatchObject({ code: 'INVALID_HOSTNAME' });
  });

  it.each(['vpn_networks', 'vpn_pools'] as const)(
    'is refused for a key of %s that is none',
    async (table) => {
      const context = await world();
      const { kysely } = await context.db();
      const unchecked =
        databases.backend === 'sqlite'
          ? sql`pragma ignore_check_constraints = on`
          : sql.raw(`alter table ${table} drop constraint ${table}_public_key_check`);
      await unchecked.execute(kysely);
      const public_key = 'key\n[interface]\npostup = reboot';
      await kysely.updateTable(table).set({ public_key }).execute();
      await expect(clientConfig(context, NONE)).rejects.toMatchObject({ code: 'INVALID_KEY' });
    },
  );

  it('goes to a new file that only its owner may read', async () => {
    const context = await world();
    const privateKeyFile = await fileOf('bob.key', PRIVATE_KEY);
    const output = join(databases.folder, `${databases.backend}.conf`);
    const text = await clientConfig(context, { networkId: 1, privateKeyFile, output });
    expect(await readFile(output, 'utf8')).toBe(text);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    await expect(clientConfig(context, { ...NONE, output })).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(await readFile(output, 'utf8')).toBe(text);
  });

  it('is refused with another key, and nothing is written', async () => {
    const context = await world();
    const privateKeyFile = await fileOf('other.key', POOL.privateKey);
    const output = join(databases.folder, 'refused.conf');
    const refusal = clientConfig(context, { networkId: 1, privateKeyFile, output });
    await expect(refusal).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
    await expect(clientConfig(context, { ...NONE, networkId: 2, output })).rejects.toMatchObject({
      code: 'UNKNOWN_NETWORK',
    });
    expect(await readdir(databases.folder)).not.toContain('refused.conf');
  });
});
