import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withHostLock } from '../../src/lib/io/host-lock.ts';

const LOCK = fileURLToPath(new URL('../../src/lib/io/host-lock.ts', import.meta.url));

/** A directory that no other test locks. */
const directory = (name: string) => `/nonexistent/${process.pid}/${name}`;

it('lets one at a time in, and gives the result of the work', async () => {
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 80));
    events.push(`${name} ends`);
    return name;
  };
  const both = await Promise.all(['a', 'b'].map((name) => withHostLock(directory('turns'), work(name))));
  expect(both).toEqual(['a', 'b']);
  const [first, second] = events[0] === 'a begins' ? ['a', 'b'] : ['b', 'a'];
  expect(events).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
});

it('is free again after work that failed', async () => {
  const failing = withHostLock(directory('failing'), () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await withHostLock(directory('failing'), async () => 'yes', 0)).toBe('yes');
});

it('is apart for each directory', async () => {
  const inner = () => withHostLock(directory('two'), async () => 'both', 0);
  expect(await withHostLock(directory('one'), inner)).toBe('both');
});

it('is waited for up to a limit, then 75', async () => {
  const inner = () => withHostLock(directory('held'), async () => 'never', 0.1);
  await expect(withHostLock(directory('held'), inner)).rejects.toMatchObject({ code: 'HOST_BUSY', exit: 75 });
});

it('dies with a process that is killed', async () => {
  const program = `import { withHostLock } from ${JSON.stringify(LOCK)};
    await withHostLock(${JSON.stringify(directory('killed'))}, () => {
      process.stdout.write('held');
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const blocked = withHostLock(directory('killed'), async () => 'no', 0);
  await expect(blocked).rejects.toMatchObject({ code: 'HOST_BUSY' });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  expect(await withHostLock(directory('killed'), async () => 'yes', 0)).toBe('yes');
});
