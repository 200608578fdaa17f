import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Config, type Interfaces } from '@oclif/core';
import { vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The ids of all commands, as `vpn:pool:create`. */
export const COMMAND_IDS = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as { commands: object }).commands,
);

let config: Promise<Config> | undefined;

/**
 * Runs a command line from the source and within this process, so that a test can make its database fail. What it
 * prints goes nowhere; what it throws is thrown.
 */
export async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  config ??= loadConfig();
  const id = commandOf(words);
  const path = join(ROOT, 'src/commands', ...id.split(':'));
  const file = existsSync(`${path}.ts`) ? `${path}.ts` : join(path, 'index.ts');
  const { default: Door } = (await import(pathToFileURL(file).href)) as {
    default: (new (argv: string[], config: Config) => { _run(): Promise<unknown> }) & { id: string };
  };
  Door.id = id;
  // oclif prints with console.log, the base class to the streams.
  const silent = [
    vi.spyOn(console, 'log').mockImplementation(() => {}),
    vi.spyOn(process.stdout, 'write').mockImplementation(() => true),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { exitCode } = process;
  try {
    // `run` of the class would load the configuration of oclif again.
    await new Door(words.slice(id.split(':').length), await config)._run();
  } finally {
    process.exitCode = exitCode;
    vi.unstubAllEnvs();
    for (const spy of silent) spy.mockRestore();
  }
}

/** The id of the command that the words begin with. */
export function commandOf(words: readonly string[]): string {
  const names = [...words];
  while (names.length > 0 && !COMMAND_IDS.includes(names.join(':'))) names.pop();
  return names.join(':');
}

/** Without the plugins, which add commands of their own only. */
async function loadConfig(): Promise<Config> {
  const pjson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Interfaces.PJSON;
  return Config.load({ root: ROOT, pjson: { ...pjson, oclif: { ...pjson.oclif, plugins: [] } } });
}
