import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { shellWord } from '../../core/shell-word.ts';
import { homeFolder } from '../account.ts';

/** What a line of a password file is for. */
export interface Login {
  /** As it was given: a name, an IP address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** Folders of Unix sockets that builds of libpq have as their default; a password file calls them `localhost`. */
const DEFAULT_SOCKETS: readonly string[] = ['/tmp', '/run/postgresql', '/var/run/postgresql'];

/** The file with passwords: PGPASSFILE, or `.pgpass` in the home. */
export function passwordFile(environment: NodeJS.ProcessEnv): string {
  return environment.PGPASSFILE || join(homeFolder(environment), '.pgpass');
}

/**
 * The password for a login; undefined when the file is not there or has none for it.
 * @see https://www.postgresql.org/docs/current/libpq-pgpass.html
 * @throws Error with the reason when the file may not be used: it is none, or others may read it
 */
export async function passwordFromFile(file: string, login: Login): Promise<string | undefined> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new Error(`the password file ${file} is not a file`);
  if ((stats.mode & 0o077) !== 0)
    throw new Error(`others may read the password file ${file}: chmod 600 ${shellWord(file)}`);
  return passwordIn(await readFile(file, 'utf8'), login);
}

/** The password in the first line that matches, as libpq reads a password file. */
export function passwordIn(text: string, { host, port, database, user }: Login): string | undefined {
  const wanted = [DEFAULT_SOCKETS.includes(host) ? 'localhost' : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    // A backslash takes the meaning from the character behind it.
    const fields = line.match(/(?:\\.|[^\\:])*(?::|\\?$)/g)?.map((field) => field.replace(/:$/, '')) ?? [];
    const [password] = fields.slice(4);
    if (password === undefined || password === '') continue;
    if (wanted.every((value, at) => fields[at] === '*' || unescaped(fields[at] ?? '') === value))
      return unescaped(password);
  }
  return undefined;
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
