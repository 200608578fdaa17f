import { createSocket } from 'node:dgram';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { formatInstant, type Instant } from '../../src/lib/core/instant.ts';
import { examineHost } from '../../src/lib/ops/vpn-host-doctor.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { addPool, HOST } from '../support/vpn.ts';

const IP = '#!/bin/sh\necho "[]"\n';
const WG = '#!/bin/sh\n[ "$1" = show ] && cat "$0.dump"\nexit 0\n';

describeDatabases('doctor on a VPN host', (databases) => {
  let folder: string;
  let context: TestContext;
  let port: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(databases.folder, 'host-'));
    await writeFile(join(folder, 'ip'), IP, { mode: 0o755 });
    await writeFile(join(folder, 'wg'), WG, { mode: 0o755 });
    await writeFile(join(folder, 'wg.dump'), '');
    const config = {
      wireguard: { config_directory: folder, ip_command: join(folder, 'ip'), wg_command: join(folder, 'wg') },
    };
    context = await databases.context({ config, now: formatInstant(systemClock()) });
    const socket = await listen(0);
    port = socket.address().port;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    await addPool(context, undefined, { listenPort: port as never });
  });

  /** What is found, of one kind: ` level message`. */
  const find = async (id: string, on: TestContext = context, hostname = HOST) => {
    const findings = await examineHost(on, hostname);
    return findings.filter((finding) => finding.id === id).map(({ level, message }) => `${level} ${message}`);
  };

  it('finds all well where all is', async () => {
    const findings = await examineHost(context, HOST);
    const ofTheMachine = ['rights', 'wireguard', 'forwarding'];
    expect(findings.filter(({ id, level }) => level !== 'ok' && !ofTheMachine.includes(id))).toEqual([]);
    expect([...new Set(findings.map(({ id }) => id))]).toEqual([
      'tools',
      'rights',
      'directory',
      'wireguard',
      'forwarding',
      ...(databases.backend === 'postgresql' ? ['clock'] : []),
      'pool',
      'port',
    ]);
    for (const { level, fix } of findings) expect(fix === '').toBe(level === 'ok');
  });

  it('names a program that is missing, and one that is another', async () => {
    await writeFile(join(folder, 'ip'), '#!/bin/sh\necho "BusyBox: unrecognized option" >&2\nexit 1\n');
    await rm(join(folder, 'wg'));
    expect(await find('tools')).toEqual([
      expect.stringContaining('BusyBox: unrecognized option'),
      expect.stringMatching(/^error The program ".*wg" was not found\.$/),
    ]);
  });

  it('names a directory that is open to others or missing', async () => {
    await chmod(folder, 0o777);
    expect(await find('directory')).toEqual([
      expect.stringContaining('others may write into it (mode 0777)'),
    ]);
    await rm(folder, { recursive: true });
    expect(await find('directory')).toEqual([expect.stringContaining('error There is no directory')]);
  });

  it('tells a port that is taken from one that is free or ours', async () => {
    expect(await find('port')).toEqual(['ok is free']);
    const socket = await listen(port);
    try {
      expect(await find('port')).toEqual([`error wg0 does not listen on UDP port ${port}, which is taken.`]);
      await writeFile(join(folder, 'wg.dump'), `wg0\tprivate\tpublic\t${port}\toff\n`);
      expect(await find('port')).toEqual(['ok is that of wg0']);
    } finally {
      socket.close();
    }
  });

  it('names a host without pools where no secret was ever sealed', async () => {
    const empty = await databases.context({ now: formatInstant(systemClock()) });
    const on = { ...empty, config: { ...context.config, 'secrets.key_file': join(folder, 'none.key') } };
    expect(await find('pools', on)).toEqual([expect.stringContaining('No pool is served by')]);
  });

  it('names a host without pools, and a key file that is not the one of the database', async () => {
    const database = await context.db();
    expect(await find('pools', context, 'vpn-9.example.net' as typeof HOST)).toEqual([
      expect.stringContaining('No pool is served by vpn-9.example.net'),
    ]);
    await database.kysely.updateTable('vpn_pools').set({ private_key: 'v1:AAAA' }).execute();
    expect(await find('pool')).toEqual([expect.stringMatching(/^error /)]);
    await database.kysely.updateTable('secret_keys').set({ fingerprint: 'another' }).execute();
    expect(await find('pools')).toEqual([expect.stringMatching(/^error /)]);
  });

  if (databases.backend === 'postgresql') {
    it.each([
      [0, 'ok agrees with that of the database'],
      [50, 'ok agrees with that of the database'],
      [3600, /^error is 3[56]\d\d seconds ahead of that of the database$/],
      [-3600, /^error is 36\d\d seconds behind that of the database$/],
    ])('compares a clock that is %d seconds off', async (off, expected) => {
      const on = context.at(formatInstant((systemClock() + off) as Instant));
      for (const hostname of [HOST, parseHostname('vpn-9.example.net')]) {
        expect(await find('clock', on, hostname)).toEqual([expect.stringMatching(expected)]);
      }
    });
  }
});

function systemClock(): Instant {
  return Math.floor(Date.now() / 1000) as Instant;
}

async function listen(port: number): Promise<ReturnType<typeof createSocket>> {
  const socket = createSocket('udp6');
  await new Promise<void>((resolve) => socket.bind(port, resolve));
  return socket;
}
