import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { ImportResult } from '../core/import-report.ts';
import { parseReference } from '../core/reference.ts';
import { parseUsername, type Username } from '../core/user.ts';
import { checkSameNetwork, networkDifferences } from '../core/vpn-network.ts';
import {
  afterChoice,
  chooseSlots,
  DEFAULT_NETWORK_SIZE,
  freeOfSize,
  type PoolRoom,
  parseNetworkSize,
  type SlotChoice,
} from '../core/vpn-pool.ts';
import { type PublicKey, parsePublicKey } from '../core/wireguard-key.ts';
import { findReach, findUserIds } from '../io/db/access.ts';
import type { Schema } from '../io/db/schema.ts';
import { type StagedKey, StagedKeys } from '../io/db/staged.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import { findNetworks, type LentNetwork, type Loan, lendSlots } from '../io/db/vpn-networks.ts';
import { findPools, type StoredPool } from '../io/db/vpn-pools.ts';
import {
  type ImportOptions,
  type ImportPlan,
  type ImportRun,
  importFile,
  type RowImporter,
} from '../io/import-file.ts';
import type { ImportRow } from '../io/import-rows.ts';
import type { Context } from './context.ts';

const PARSERS = {
  username: parseUsername,
  public_key: parsePublicKey,
  size: parseNetworkSize,
  reference: parseReference,
};

/** The column at fault, by the code of a refusal. */
const COLUMN_OF = {
  UNKNOWN_USER: 'username',
  FORBIDDEN: 'username',
  KEY_IN_USE: 'public_key',
  KEY_IS_POOLS: 'public_key',
  NETWORK_EXISTS: 'reference',
};

type Parsers = typeof PARSERS;
type Row = ImportRow<Parsers>;

/**
 * Lends a network for each row of a file, in their order and in one transaction. A row whose public key has a network
 * of that user already is left alone.
 * @throws what `importFile` throws
 */
export async function importNetworks(context: Context, options: ImportOptions): Promise<ImportResult> {
  const plan: ImportPlan<Parsers> = {
    things: 'networks',
    topic: 'vpn',
    format: {
      parsers: PARSERS,
      required: ['username', 'public_key'],
      numbers: ['size'],
      fields: COLUMN_OF,
    },
    key: { column: 'public_key', of: ({ values }) => values.public_key },
    begin: async (tx, run) => new NetworkImporter(tx, run, await findPools(tx), context),
  };
  return importFile(await context.db(), options, plan, context.progress);
}

/** What the database knows about the rows of a batch. */
interface Known {
  readonly users: ReadonlyMap<Username, number>;
  /** Those of them to whom the import may lend. */
  readonly within: ReadonlyMap<Username, number>;
  readonly byKey: ReadonlyMap<PublicKey, LentNetwork>;
  readonly byReference: ReadonlyMap<string, LentNetwork>;
  /** By line, for references that stand in the file before. */
  readonly repeated: ReadonlyMap<number, StagedKey>;
}

/** A row that makes a new network, if there is room for it. */
interface Candidate extends Loan {
  readonly row: Row;
  readonly size: number;
}

class NetworkImporter implements RowImporter<Parsers> {
  readonly #tx: Transaction<Schema>;
  readonly #run: ImportRun<Parsers>;
  readonly #pools: readonly StoredPool[];
  readonly #poolOfKey: ReadonlyMap<PublicKey, number>;
  readonly #context: Context;
  #references: StagedKeys | undefined;
  /** The pools as this file leaves them. */
  #rooms: readonly PoolRoom[];

  constructor(
    tx: Transaction<Schema>,
    run: ImportRun<Parsers>,
    pools: readonly StoredPool[],
    context: Context,
  ) {
    this.#tx = tx;
    this.#run = run;
    this.#pools = pools;
    this.#poolOfKey = new Map(pools.map(({ publicKey, id }) => [publicKey, id]));
    this.#context = context;
    this.#rooms = pools;
  }

  async take(rows: readonly Row[]): Promise<undefined> {
    const known = await this.#findKnown(rows);
    const choices: SlotChoice[] = [];
    const loans: Loan[] = [];
    const candidates = rows.flatMap((row) => this.#decide(row, known));
    for (const [size, ofSize] of Map.groupBy(candidates, (candidate) => candidate.size)) {
      const free = freeOfSize(this.#rooms, size);
      const count = free < ofSize.length ? Number(free) : ofSize.length;
      if (count > 0) {
        const chosen = chooseSlots(this.#rooms, { count, size, poolId: null });
        this.#rooms = afterChoice(this.#rooms, chosen);
        choices.push(...chosen);
        loans.push(...ofSize.slice(0, count));
        this.#run.report.inserted += count;
      }
      for (const { row } of ofSize.slice(count)) {
        row.attempt(() => chooseSlots(this.#rooms, { count: 1, size, poolId: null }));
        this.#run.refuse(row);
      }
    }
    if (this.#run.writes) await lendSlots(this.#tx, choices, loans, this.#context.now);
  }

  async end(): Promise<void> {
    if (this.#run.writes && this.#run.report.inserted > 0) await takeStatistics(this.#tx, 'vpn_networks');
  }

  #decide(row: Row, known: Known): Candidate[] {
    const isReadable = row.faults.length === 0;
    const { username, public_key: publicKey, size = null, reference = null } = row.values;
    const first = known.repeated.get(row.line);
    if (first !== undefined) {
      const facts = { column: 'reference', value: first.key, firstLine: first.line };
      row.refuse(refuse.DUPLICATE_ROW(facts), 'reference');
    }
    const userId = username === undefined ? undefined : known.users.get(username);
    if (username !== undefined && !known.within.has(username)) {
      const what = `networks of ${username}`;
      // Who may not see all users is not told either whether there is one.
      row.refuse(
        known.within === known.users
          ? refuse.UNKNOWN_USER({ username })
          : refuse.FORBIDDEN({ username: this.#context.asUser ?? '', what }),
      );
    }
    const poolId = publicKey === undefined ? undefined : this.#poolOfKey.get(publicKey);
    if (publicKey !== undefined && poolId !== undefined)
      row.refuse(refuse.KEY_IS_POOLS({ publicKey, poolId }));

    if (isReadable && row.faults.length === 0 && username !== undefined && publicKey !== undefined) {
      const wanted = { username, publicKey, size, poolId: null };
      const isLent = row.attempt(() => this.#isLent(wanted, reference, known));
      if (isLent === true) {
        this.#run.report.unchanged += 1;
        return [];
      }
    }
    if (row.faults.length > 0 || userId === undefined || publicKey === undefined) {
      this.#run.refuse(row);
      return [];
    }
    return [{ row, userId, publicKey, reference, size: size ?? DEFAULT_NETWORK_SIZE }];
  }

  /**
   * Whether what is asked for is lent already.
   * @throws NETWORK_EXISTS, KEY_IN_USE when something else is
   */
  #isLent(
    wanted: Parameters<typeof checkSameNetwork>[2],
    reference: string | null,
    { byKey, byReference }: Known,
  ): boolean {
    const named = reference === null ? undefined : byReference.get(reference);
    if (reference !== null && named !== undefined) {
      checkSameNetwork(reference, named, wanted, this.#pools);
      return true;
    }
    const { publicKey } = wanted;
    const holder = byKey.get(publicKey);
    if (holder === undefined) return false;
    if (reference !== null || networkDifferences(holder, wanted, this.#pools).length > 0) {
      throw refuse.KEY_IN_USE({ publicKey, networkId: holder.id });
    }
    return true;
  }

  async #findKnown(rows: readonly Row[]): Promise<Known> {
    this.#references ??= await StagedKeys.create(this.#tx, 'references');
    const usernames = [...new Set(rows.flatMap(({ values }) => values.username ?? []))];
    const users = await findUserIds(this.#tx, usernames);
    const reach = await findReach(this.#tx, this.#context.asUser);
    const keyed = rows.flatMap(({ line, values: { reference } }) =>
      reference === undefined ? [] : [{ key: reference, line }],
    );
    const references = keyed.map(({ key }) => key);
    const publicKeys = rows.flatMap(({ values }) => values.public_key ?? []);
    const [holders, named] = [
      await findNetworks(this.#tx, { publicKeys }),
      await findNetworks(this.#tx, { references }),
    ];
    return {
      users,
      within: reach === undefined ? users : await findUserIds(this.#tx, usernames, reach),
      byKey: new Map(holders.map((network) => [network.publicKey, network])),
      byReference: new Map(named.map((network) => [network.reference ?? '', network])),
      repeated: await this.#references.add(keyed),
    };
  }
}
