import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Parser } from '@oclif/core';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { relativePath: string[]; examples?: string[] }>;
};

const folder = mkdtempSync(join(tmpdir(), 'uncloud-help-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.entries(manifest.commands))('the help of %s', (id, { relativePath, examples = [] }) => {
  it('says of every flag what it does', async () => {
    const { flags, baseFlags } = await commandAt(relativePath);
    for (const [name, flag] of Object.entries({ ...baseFlags, ...flags })) {
      expect(flag.summary, name).toMatch(/^\S.*[^.]$/);
    }
  });

  it('has examples that a shell and the command accept', async () => {
    const { flags, baseFlags, args } = await commandAt(relativePath);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const words = wordsOf(example.replaceAll('<%= config.bin %>', 'uncloud'));
      const name = id.split(':');
      expect(words.slice(0, name.length), example).toEqual(name);
      await Parser.parse(words.slice(name.length), { flags: { ...baseFlags, ...flags }, args, strict: true });
    }
  });
});

/** What a shell hands to the program in a line, whatever else stands in it. */
function wordsOf(line: string): string[] {
  for (const [, file = ''] of line.matchAll(/< (\S+)/g)) writeFileSync(join(folder, file), '');
  const stubs = `
    uncloud() { printf '%s\\n' "$@" >&3; }
    hostname() { echo vpn-1.example.net; }
    jq() { :; }
    ssh() { :; }
    wg() { :; }
    hledger() { cat >/dev/null; }
    less() { cat >/dev/null; }
  `;
  const shell = spawnSync('sh', ['-efuc', `${stubs}\n${line}`], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  expect(`${shell.stderr}${shell.status}`, line).toBe('0');
  return String(shell.output[3]).trimEnd().split('\n');
}

async function commandAt(relativePath: readonly string[]): Promise<Command.Class> {
  const file = join(ROOT, relativePath.join('/').replace(/^dist\/(.*)\.js$/, 'src/$1.ts'));
  return ((await import(file)) as { default: Command.Class }).default;
}
