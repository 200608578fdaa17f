import type { Transaction } from 'kysely';
import type { Username } from '../../core/user.ts';
import { findUserIds } from './access.ts';
import { findCapitalNames } from './people.ts';
import type { Schema } from './schema.ts';
import { FileKeys, StagedKeys } from './staged.ts';

/** A username of a file, and its line. */
export interface FileName {
  readonly username: Username;
  readonly line: number;
}

/** What differs from a name in case only: a name on a line further up, or one that is stored. */
export type Twin = { readonly line: number } | { readonly name: string };

/**
 * Finds the new names of a file that differ from another name in case only. Of two such names one has a capital letter,
 * which few have: only those are kept.
 */
export class NameTwins {
  readonly #tx: Transaction<Schema>;
  readonly #names: FileKeys;
  /** The names with capitals by what they are in small letters: the new ones of the file, and those stored before. */
  readonly #capitals: FileKeys;
  #stored: StagedKeys | null | undefined;
  #hasCapitals = false;

  /** @param names all names of the file so far */
  constructor(tx: Transaction<Schema>, names: FileKeys) {
    this.#tx = tx;
    this.#names = names;
    this.#capitals = new FileKeys(tx, 'capital_names');
  }

  /**
   * Takes the next names of the file that are not stored.
   * @returns by their lines, the twins of those that have one
   */
  async find(added: readonly FileName[]): Promise<Map<number, Twin>> {
    const twins = new Map<number, Twin>();
    if (added.length === 0) return twins;
    if (this.#stored === undefined) this.#stored = await stageCapitalNames(this.#tx);
    const keyed = added.map(({ username, line }) => ({ key: username.toLowerCase(), username, line }));
    const capitals = keyed.filter(({ key, username }) => key !== username);
    this.#hasCapitals ||= capitals.length > 0;
    if (!this.#hasCapitals && this.#stored === null) return twins;

    await this.#capitals.add(capitals);
    const [keys, smallKeys] = [keyed.map(({ key }) => key), capitals.map(({ key }) => key)];
    const capitalLines = await this.#capitals.find(keys);
    const capitalNames = await this.#stored?.find(keys);
    const smallLines = await this.#names.find(smallKeys);
    const smallNames = await findUserIds(this.#tx, smallKeys as Username[]);
    for (const { key, username, line } of keyed) {
      const lines = [capitalLines.get(key), username === key ? undefined : smallLines.get(key)];
      const first = Math.min(...lines.map((other) => other ?? line));
      const name = capitalNames?.get(key)?.note ?? (smallNames.has(key as Username) ? key : undefined);
      if (first < line) twins.set(line, { line: first });
      else if (name !== undefined) twins.set(line, { name });
    }
    return twins;
  }
}

/** The stored names with capitals, each as the note of what it is in small letters; null when there are none. */
async function stageCapitalNames(tx: Transaction<Schema>): Promise<StagedKeys | null> {
  let staged: StagedKeys | null = null;
  for await (const names of findCapitalNames(tx)) {
    if (names.length === 0) continue;
    staged ??= await StagedKeys.create(tx, 'stored_names');
    await staged.add(names.map((name) => ({ key: name.toLowerCase(), line: 0, note: name })));
  }
  return staged;
}
