import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from '../../src/lib/core/shell-word.ts';

const WORDS = [
  '/etc/wireguard',
  '',
  'a b',
  "it's",
  '$(id)',
  '`id`',
  '\\',
  'a\nb',
  "\u001b[31m'\\n",
  '\u202etxt',
  'é 日',
];

it('is read back by a shell as it was, and holds nothing that steers a terminal', () => {
  const line = `for word in ${WORDS.map(shellWord).join(' ')}; do printf '%s\\0' "$word"; done`;
  const { stdout } = spawnSync('bash', ['-c', line], { encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } });
  expect(stdout.split('\0').slice(0, -1)).toEqual(WORDS);
  expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
});

it('stays as it is where no shell minds it', () =>
  expect(shellWord('sqlite:/srv/a-1.db')).toBe('sqlite:/srv/a-1.db'));
