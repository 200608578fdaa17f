import type { Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import { ImportReport, type ImportResult } from '../core/import-report.ts';
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
import type { Schema } from '../io/db/schema.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import {
  findNetworks,
  findPools,
  type LentNetwork,
  type Loan,
  lendSlots,
  type StoredPool,
} from '../io/db/vpn.ts';
import { type ImportRow, readImportRows } from '../io/import-rows.ts';
import { openInput } from '../io/input.ts';
import { KeyIndex } from '../io/key-index.ts';
import type { Context } from './context.ts';

const PARSERS = {
  username: parseUsername,
  public_key: parsePublicKey,
  size: parseNetworkSize,
  reference: parseReference,
};

const FORMAT = { parsers: PARSERS, required: ['username', 'public_key'], key: 'public_key' } as const;

/** The column at fault, by the code of a refusal. */
const COLUMN_OF: Readonly<Record<string, string>> = {
  UNKNOWN_USER: 'username',
  KEY_IN_USE: 'public_key',
  KEY_IS_POOLS: 'public_key',
  NETWORK_EXISTS: 'reference',
  DUPLICATE_ROW: 'reference',
};

type Row = ImportRow<typeof PARSERS>;

export interface ImportOptions {
  /** Lend networks for the good rows although others are refused. */
  readonly partial: boolean;
  /** Decide about every row and write nothing. */
  readonly dryRun: boolean;
}

/**
 * Lends a network for each row of a CSV file, in their order and in one transaction. A row whose public key has a
 * network of that user already is left alone.
 * @param file its path, or `-` for standard input
 * @throws IMPORT_REFUSED for faulty rows unless `partial`, INPUT_NOT_FOUND and the CSV_… refusals
 */
export async function importNetworks(
  context: Context,
  file: string,
  { partial, dryRun }: ImportOptions,
): Promise<ImportResult> {
  const database = await context.db();
  const work = async (tx: Transaction<Schema>): Promise<ImportResult> => {
    const report = new ImportReport();
    const decisions = new Decisions(report, await findPools(tx));
    const input = await openInput(file);
    for await (const rows of readImportRows(input, FORMAT, report)) {
      const { choices, loans } = decisions.take(rows, await findKnown(tx, rows));
      const isDoomed = report.refusedRows > 0 && !partial;
      if (!dryRun && !isDoomed) await lendSlots(tx, choices, loans, context.now);
      context.progress(report.rows, null, 'networks');
    }
    const result = report.result();
    if (result.refusedRows > 0 && !partial) throw refuse.IMPORT_REFUSED({ file: input.name, ...result });
    if (!dryRun && result.inserted > 0) await takeStatistics(tx, 'vpn_networks');
    return result;
  };
  return dryRun ? database.read(work) : database.write('vpn', work);
}

/** What the database knows about the rows of a batch. */
interface Known {
  readonly users: ReadonlyMap<Username, number>;
  readonly byKey: ReadonlyMap<PublicKey, LentNetwork>;
  readonly byReference: ReadonlyMap<string, LentNetwork>;
}

/** A row that makes a new network, if there is room for it. */
interface Candidate extends Loan {
  readonly row: Row;
  readonly size: number;
}

/** Decides about the rows of a file in turn. */
class Decisions {
  readonly #report: ImportReport;
  readonly #pools: readonly StoredPool[];
  readonly #poolOfKey: ReadonlyMap<PublicKey, number>;
  readonly #lineOfReference = new KeyIndex();
  /** The pools as this file leaves them. */
  #rooms: readonly PoolRoom[];

  constructor(report: ImportReport, pools: readonly StoredPool[]) {
    this.#report = report;
    this.#pools = pools;
    this.#poolOfKey = new Map(pools.map(({ publicKey, id }) => [publicKey, id]));
    this.#rooms = pools;
  }

  /** The slots to lend for these rows, and to whom. */
  take(rows: readonly Row[], known: Known): { choices: SlotChoice[]; loans: Loan[] } {
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
        this.#report.inserted += count;
      }
      for (const { row } of ofSize.slice(count)) {
        this.#report.attempt(row, () => chooseSlots(this.#rooms, { count: 1, size, poolId: null }));
      }
    }
    return { choices, loans };
  }

  #decide(row: Row, known: Known): Candidate[] {
    try {
      const candidate = this.#judge(row, known);
      if (candidate !== null) return [candidate];
      this.#report.unchanged += 1;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#report.refuse(row, error, COLUMN_OF[error.code]);
    }
    return [];
  }

  /** The network that a row asks for; null when it is lent already. */
  #judge(row: Row, known: Known): Candidate | null {
    const { username, public_key: publicKey, size = null, reference = null } = row.values;
    if (username === undefined || publicKey === undefined) {
      throw new Error('a row without a username or a key is refused when it is read');
    }
    const firstLine = reference === null ? undefined : this.#lineOfReference.add(reference, row.line);
    if (reference !== null && firstLine !== undefined) {
      throw refuse.DUPLICATE_ROW({ column: 'reference', value: reference, firstLine });
    }
    const userId = known.users.get(username);
    if (userId === undefined) throw refuse.UNKNOWN_USER({ username });
    const wanted = { username, publicKey, size, poolId: null };
    const named = reference === null ? undefined : known.byReference.get(reference);
    if (reference !== null && named !== undefined) {
      checkSameNetwork(reference, named, wanted, this.#pools);
      return null;
    }
    const poolId = this.#poolOfKey.get(publicKey);
    if (poolId !== undefined) throw refuse.KEY_IS_POOLS({ publicKey, poolId });
    const holder = known.byKey.get(publicKey);
    if (holder === undefined)
      return { row, userId, publicKey, reference, size: size ?? DEFAULT_NETWORK_SIZE };
    if (reference !== null || networkDifferences(holder, wanted, this.#pools).length > 0) {
      throw refuse.KEY_IN_USE({ publicKey, networkId: holder.id });
    }
    return null;
  }
}

async function findKnown(tx: Transaction<Schema>, rows: readonly Row[]): Promise<Known> {
  const usernames = new Set(rows.flatMap(({ values }) => values.username ?? []));
  const references = rows.flatMap(({ values }) => values.reference ?? []);
  const publicKeys = rows.flatMap(({ values }) => values.public_key ?? []);
  const users = await tx
    .selectFrom('users')
    .select(['id', 'username'])
    .where('username', 'in', [...usernames])
    .execute();
  const [holders, named] = [await findNetworks(tx, { publicKeys }), await findNetworks(tx, { references })];
  return {
    users: new Map(users.map(({ id, username }) => [username as Username, id])),
    byKey: new Map(holders.map((network) => [network.publicKey, network])),
    byReference: new Map(named.map((network) => [network.reference ?? '', network])),
  };
}
