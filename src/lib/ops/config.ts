import { CONFIG_KEYS, type ConfigName, type ConfigValue, exampleConfig } from '../core/config.ts';
import { redactDatabaseUrl } from '../core/database-url.ts';
import { userConfigFile } from '../io/config.ts';
import { createPrivateFile, makeFolderOf } from '../io/files.ts';
import type { Context } from './context.ts';

/** One key of the configuration as it stands. */
export interface ConfigEntry {
  readonly key: ConfigName;
  readonly value: ConfigValue;
  /** A file, an environment variable, a flag, or `default`. */
  readonly origin: string;
}

/** Every key with its value, passwords removed, and where the value came from. */
export function showConfig(context: Context): ConfigEntry[] {
  return (Object.keys(CONFIG_KEYS) as ConfigName[]).map((key) => {
    const value = context.config[key];
    return {
      key,
      value: key === 'database.url' ? redactDatabaseUrl(String(value)) : value,
      origin: context.origins[key],
    };
  });
}

/**
 * Writes the commented example, mode 0600, to the given file or where the program looks for it; for `-` it is given
 * back, and no file is written.
 * @throws FILE_EXISTS, FOLDER_MISSING, FILE_NOT_WRITABLE
 */
export async function initConfig(
  file: string | undefined,
): Promise<{ file: string; config: null } | { file: null; config: string }> {
  if (file === '-') return { file: null, config: exampleConfig() };
  const target = file ?? userConfigFile();
  if (file === undefined) await makeFolderOf(target);
  await createPrivateFile(target, exampleConfig());
  return { file: target, config: null };
}
