import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { examineRows } from '../../src/lib/cli/doctor.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import { examineSchema } from '../../src/lib/ops/data-doctor.ts';
import { breakDatabase, type Moment } from './broken-database.ts';
import { commandOf, runCommand } from './commands.ts';
import { type Contents, dataOf, effectOf, observe } from './contents.ts';
import type { TestDatabases } from './databases.ts';

/** What a command is tried on. */
export interface Scenario {
  /** The database that it begins with: `shop` by default. */
  readonly world?: 'empty' | 'migrated' | 'shop';
  /** Command lines that are run before. */
  readonly before?: readonly string[];
  /** Files that are there before, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** The refusals that running it again may meet once it was carried out. */
  readonly again?: readonly string[];
  /** Whether it needs PostgreSQL. */
  readonly onPostgres?: boolean;
}

/** A place where commands run: a database, and a folder of files. */
export class Arena {
  readonly #databases: TestDatabases;
  readonly #now: string;
  readonly folder: string;

  constructor(databases: TestDatabases, now: string) {
    this.#databases = databases;
    this.#now = now;
    this.folder = join(databases.folder, 'files');
  }

  /** Runs a command line, `{folder}` being the folder of files. */
  async run(url: string, line: string): Promise<void> {
    await runCommand(this.wordsOf(line), {
      UNCLOUD_DATABASE_URL: url,
      UNCLOUD_SECRETS_KEY_FILE: join(this.#databases.folder, 'secrets.key'),
      XDG_CONFIG_HOME: this.folder,
    });
  }

  wordsOf(line: string): string[] {
    return line.split(' ').map((word) => word.replaceAll('{folder}', this.folder));
  }

  /** Files of the folder by name, as files by path. */
  paths(files: Readonly<Record<string, string>>): [string, string][] {
    return Object.entries(files).map(([name, text]) => [join(this.folder, name), text]);
  }

  /** Refuses a database that `doctor --data` finds fault with; only some commands can touch its schema. */
  async examine(url: string, { schema }: { schema: boolean }): Promise<void> {
    const context = await this.#databases.context({ url, now: this.#now });
    const database = await context.db({ anySchema: true });
    const findings = [
      ...(schema ? await examineSchema(context) : []),
      ...(await examineRows(context, undefined)),
    ];
    await database.close();
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  }

  async files(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const folder of [this.folder, this.#databases.folder]) {
      await mkdir(folder, { recursive: true });
      for (const { name, parentPath } of (await readdir(folder, { withFileTypes: true })).filter((e) =>
        e.isFile(),
      )) {
        const path = join(parentPath, name);
        if (!/\.db(-\w+)?$/.test(name)) found.set(path, await readFile(path, 'utf8'));
      }
    }
    return found;
  }

  async restore(files: ReadonlyMap<string, string>): Promise<void> {
    for (const path of (await this.files()).keys()) if (!files.has(path)) await rm(path);
    for (const [path, text] of files) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { mode: 0o600 });
    }
  }
}

/** A database with its contents and files, which scenarios begin with. */
export interface World {
  readonly url: string;
  readonly contents: Contents;
  readonly files: ReadonlyMap<string, string>;
}

/** PostgreSQL needs seconds for a command of more statements: there it is tried at so many of them, evenly spread. */
const LONG = { statements: 60, tries: 15 };

/**
 * Lets the database fail at each statement of a command, one after the other: before it, and for a COMMIT also after
 * it. What was not committed is taken back by the database, so failing after another statement is the same as before.
 * Each time the data must be sound, with an entry in the audit trail for what changed and for nothing else, and running
 * the command again must lead to what it does when nothing fails.
 * @returns how many failures there were
 */
export async function failEverywhere(
  databases: TestDatabases,
  arena: Arena,
  world: World,
  line: string,
  scenario: Scenario,
): Promise<number> {
  const { before = [], files: given = {}, again = [] } = scenario;
  const id = commandOf(arena.wordsOf(line));
  const schema = ['migrate', 'db:load'].includes(id);
  // Rows are put back; tables and roles come back only with a copy.
  const isCopied = id === 'migrate' || id.startsWith('vpn:host:');
  const begin = isCopied ? await databases.copyUrl(world.url) : world.url;
  let url = begin;
  let eyes = await observe(url);
  await arena.restore(new Map([...world.files, ...arena.paths(given)]));
  await eyes.restore(world.contents);
  for (const one of before) await arena.run(url, one);
  const files = await arena.files();
  const initial = await eyes.read();
  const restore = async () => {
    await arena.restore(files);
    if (!isCopied) return eyes.restore(initial);
    await eyes.close();
    url = await databases.copyUrl(begin);
    eyes = await observe(url);
  };
  if (isCopied) await restore();

  let statements = 0;
  const count = () => {
    statements += 1;
    return false;
  };
  await breakDatabase(count, 'before', () => arena.run(url, line));
  const done = await eyes.read();
  const wanted = await effectOf(done);
  expect(same(dataOf(done), dataOf(initial)), 'it changes nothing, so nothing can be tried').toBe(false);
  await arena.examine(url, { schema });
  await restore();

  const tried = new Set<string>();
  let failures = 0;
  const fail = async (isLast: (sql: string, count: number) => boolean, moment: Moment): Promise<boolean> => {
    let refusal: unknown;
    const came = await breakDatabase(isLast, moment, async () => {
      refusal = await arena.run(url, line).then(
        () => undefined,
        (error: unknown) => error,
      );
    });
    if (came) failures += 1;
    if (refusal !== undefined) expect(refusal).toMatchObject({ exit: 75 });
    const [found, left] = [await eyes.read(), await arena.files()];
    if (refusal === undefined) expect(await effectOf(found)).toEqual(wanted);
    const isChanged = !same(dataOf(found), dataOf(initial));
    expect(entriesOf(found) > entriesOf(initial), 'an entry in the audit trail').toBe(isChanged);
    if (!isChanged) expect(withoutKeys(left)).toEqual(withoutKeys(files));
    if (!isChanged && same(found, initial) && same(files, left)) return came;
    const state = JSON.stringify([await effectOf(found), [...left.keys()].sort()]);
    if (!tried.has(state)) {
      tried.add(state);
      if (isChanged || id !== 'migrate') await arena.examine(url, { schema });
      await runAgain(found);
    }
    await restore();
    return came;
  };
  const runAgain = async (found: Contents) => {
    const refusal = await arena.run(url, line).then(
      () => null,
      (error: unknown) => error,
    );
    if (refusal !== null) {
      if (!(refusal instanceof UserError)) throw refusal;
      expect(again).toContain(refusal.code);
    }
    const after = await eyes.read();
    expect(await effectOf(after)).toEqual(wanted);
    if (same(dataOf(found), dataOf(after))) expect(entriesOf(after)).toBe(entriesOf(found));
    await arena.examine(url, { schema });
  };

  const isLong = databases.backend === 'postgresql' && statements > LONG.statements;
  const step = isLong ? Math.floor(statements / LONG.tries) : 1;
  for (let statement = 1; statement <= statements; statement += step) {
    expect(await fail((_, number) => number === statement, 'before')).toBe(true);
  }
  for (let commit = 1; ; commit += 1) {
    let commits = 0;
    const isTime = (sql: string) => /^commit/i.test(sql) && ++commits === commit;
    if (!(await fail(isTime, 'after'))) break;
  }
  // All that was taken back must not stand in the way.
  await arena.run(url, line).catch((error: { code?: string }) => expect(again).toContain(error.code));
  expect(await effectOf(await eyes.read())).toEqual(wanted);
  await eyes.close();
  return failures;
}

function entriesOf({ audit_entries: entries = [] }: Contents): number {
  return entries.length;
}

/** A key that no database asks for yet may stay: the command takes it when it is run again. */
function withoutKeys(files: ReadonlyMap<string, string>): [path: string, text: string][] {
  return [...files].filter(([path]) => !path.includes('secrets.key'));
}

function same(
  one: Contents | ReadonlyMap<string, string>,
  other: Contents | ReadonlyMap<string, string>,
): boolean {
  const text = (value: Contents | ReadonlyMap<string, string>) =>
    JSON.stringify(value instanceof Map ? [...value].sort() : Object.entries(value).sort());
  return text(one) === text(other);
}
