import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled } from './support/installed.ts';

const PACKAGING = fileURLToPath(new URL('../packaging/', import.meta.url));

function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  return { status, said: `${stdout}${stderr}` };
}

function isAsked(program: string): boolean {
  const isThere = isInstalled(program);
  if (!isThere) process.stderr.write(`packaging: ${program} is not installed, and not asked.\n`);
  return isThere;
}

describe('the files for a VPN host', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uncloud-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.runIf(isAsked('systemd-analyze'))('are units that systemd takes, and that expose little', async () => {
    const units = await readdir(join(PACKAGING, 'systemd'));
    expect(units.sort()).toEqual(['uncloud-vpn@.service', 'uncloud-vpn@.timer']);
    for (const unit of units) {
      const text = await readFile(join(PACKAGING, 'systemd', unit), 'utf8');
      // The program that is installed globally is none here.
      await writeFile(join(folder, unit), text.replace('ExecStart=uncloud ', 'ExecStart=/bin/true '));
    }
    const instances = ['service', 'timer'].map((kind) =>
      join(folder, `uncloud-vpn@vpn-1.example.net.${kind}`),
    );
    expect(run('systemd-analyze', 'verify', '--man=no', ...instances)).toEqual({ status: 0, said: '' });
    // On the scale of systemd from 0 to 10, where 10 is a service without any limit.
    const service = join(folder, 'uncloud-vpn@.service');
    expect(run('systemd-analyze', 'security', '--offline=true', '--threshold=25', service).status).toBe(0);
  });

  it('are scripts that a POSIX shell can read', () => {
    for (const file of ['uncloud-vpn.initd', 'uncloud-vpn.confd']) {
      expect(run('sh', '-n', join(PACKAGING, 'openrc', file)), file).toEqual({ status: 0, said: '' });
    }
  });

  it.runIf(isAsked('visudo'))('are rules that sudo takes', () => {
    const visudo = process.env.PATH?.includes('sbin') ? 'visudo' : '/usr/sbin/visudo';
    expect(run(visudo, '-c', '-f', join(PACKAGING, 'sudoers')).status).toBe(0);
  });

  it('have a line for cron that runs what the guide says', async () => {
    const lines = (await readFile(join(PACKAGING, 'crontab'), 'utf8')).split('\n');
    const jobs = lines.filter((line) => /^(@reboot|\*)/.test(line));
    expect(jobs.map((line) => line.replace(/^(@reboot|\* \* \* \* \*)\s+/, ''))).toEqual(
      jobs.map(() => 'uncloud vpn --hostname vpn-1.example.net'),
    );
    expect(jobs).toHaveLength(2);
  });
});
