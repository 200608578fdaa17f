import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type ConfigName,
  type ConfigOrigins,
  type ConfigSource,
  type ConfigValue,
  readConfig,
} from '../core/config.ts';
import { refuse, UserError } from '../core/errors.ts';
import { homeFolder, isRoot } from './account.ts';
import { formatMode, isMissing, reasonOf } from './files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SYSTEM_FILE = '/etc/uncloud/config.toml';

/**
 * Reads the configuration: defaults, /etc/uncloud/config.toml, the user's file, UNCLOUD_… variables, each stronger
 * than the one before. `file` replaces both files.
 * @throws CONFIG_NOT_READABLE, INVALID_CONFIG; UNSAFE_CONFIG of a file that nobody named
 */
export async function loadConfig(
  file: string | undefined,
  environment: Environment = process.env,
): Promise<{ config: Config; origins: ConfigOrigins; files: string[] }> {
  const candidates = file === undefined ? new Set([SYSTEM_FILE, userConfigFile(environment)]) : [file];
  const sources: ConfigSource[] = [];
  for (const candidate of candidates) {
    const text = readIfPresent(candidate, { isNamed: file !== undefined });
    if (text !== undefined) sources.push({ origin: candidate, tables: await parseToml(candidate, text) });
  }
  const { config, origins } = readConfig(sources, withoutEmpty(environment), placeDefaults(environment));
  return { config, origins, files: sources.map((source) => source.origin) };
}

/** The user's configuration file, whether it exists or not: the one that `config init` writes. */
export function userConfigFile(environment: Environment = process.env): string {
  const config = baseFolder(environment.XDG_CONFIG_HOME);
  if (isRoot() && config === undefined) return SYSTEM_FILE;
  return join(config ?? join(homeFolder(environment), '.config'), 'uncloud', 'config.toml');
}

/** Defaults that depend on who runs the program: root keeps data under /var/lib, others under their home. */
function placeDefaults(environment: Environment): Partial<Record<ConfigName, ConfigValue>> {
  const data = baseFolder(environment.XDG_DATA_HOME);
  const folder =
    data === undefined && isRoot()
      ? '/var/lib/uncloud'
      : join(data ?? join(homeFolder(environment), '.local', 'share'), 'uncloud');
  return {
    'database.url': `sqlite:${join(folder, 'uncloud.db')}`,
    'secrets.key_file': join(userConfigFile(environment), '..', 'secrets.key'),
  };
}

/** A folder of the XDG Base Directory Specification, by which an empty or relative one counts as not set. */
function baseFolder(value: string | undefined): string | undefined {
  return value?.startsWith('/') ? value : undefined;
}

/** A variable that is set to nothing says nothing. */
function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

function readIfPresent(file: string, { isNamed }: { isNamed: boolean }): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    if (!isNamed && isRoot()) refuseUnsafe(file, fstatSync(descriptor));
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (!isNamed && isMissing(error)) return undefined;
    const state = isMissing(error) ? 'missing' : 'closed';
    throw refuse.CONFIG_NOT_READABLE({ file, reason: reasonOf(error), state });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Whoever may write a file that root finds by itself chooses the programs that root runs, as ssh and sudo know. */
function refuseUnsafe(file: string, { uid, mode }: Stats): void {
  if (uid !== 0) throw refuse.UNSAFE_CONFIG({ file, reason: `it belongs to the account with the id ${uid}` });
  if ((mode & 0o022) !== 0) {
    throw refuse.UNSAFE_CONFIG({ file, reason: `others may write it (mode ${formatMode(mode)})` });
  }
}

async function parseToml(file: string, text: string): Promise<Record<string, unknown>> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = 'not TOML'] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw refuse.CONFIG_NOT_READABLE({
      file,
      reason: `line ${error.line}, column ${error.column}: ${reason}`,
      state: 'malformed',
    });
  }
}
