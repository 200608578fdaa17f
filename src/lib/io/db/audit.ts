import { type Selectable, sql, type Transaction } from 'kysely';
import {
  type AuditEntry,
  type AuditResult,
  type Author,
  type ChangeCounts,
  canonicalEntry,
  canonicalJson,
  NO_HASH,
} from '../../core/audit.ts';
import type { Instant } from '../../core/instant.ts';
import type { Changes } from './changes.ts';
import { type Backend, only, type Topic } from './database.ts';
import type { Schema } from './schema.ts';

/** The migration that made the trail as it is. */
const TRAIL = '0010_audit_chains';

/** The audit trail as one open database writes it. */
export class AuditTrail {
  readonly #backend: Backend;
  readonly #author: Author;
  readonly #changes: Changes;

  constructor(backend: Backend, author: Author, changes: Changes) {
    this.#backend = backend;
    this.#author = author;
    this.#changes = changes;
  }

  /**
   * Does the work of a transaction and appends what it changed as its last statements; when it changed nothing there
   * is no entry. The transaction has to hold the turn of its topic, and with it the end of the topic's chain.
   */
  async record<T>(
    tx: Transaction<Schema>,
    { topic, result }: { topic: Topic; result: AuditResult },
    work: (tx: Transaction<Schema>) => Promise<T>,
  ): Promise<T> {
    this.#changes.take();
    const value = await work(tx);
    const counts = this.#changes.take();
    if (Object.keys(counts).length > 0 && (topic !== 'migrations' || (await hasTrail(tx)))) {
      await this.#append(tx, topic, result, counts);
    }
    return value;
  }

  async #append(
    tx: Transaction<Schema>,
    topic: Topic,
    result: AuditResult,
    counts: ChangeCounts,
  ): Promise<void> {
    const role = sql.raw(this.#backend === 'postgresql' ? 'current_user::text' : 'null');
    const { rows } = await sql<{ role: string | null; position: number | null; hash: string | null }>`
      select ${role} as role, last.position, last.hash from (select 1) as one left join (
        select position, hash from audit_entries where topic = ${topic} order by position desc limit 1
      ) as last on true`.execute(tx);
    const last = only(rows);
    const { at, osUser, sudoUser, host, command } = this.#author;
    const position = (last.position ?? 0) + 1;
    const previousHash = last.hash ?? NO_HASH;
    const hash = await hashOf({
      ...this.#author,
      topic,
      position,
      databaseRole: last.role,
      counts,
      result,
      previousHash,
    });
    await tx
      .insertInto('audit_entries')
      .values({
        topic,
        position,
        at,
        os_user: osUser,
        sudo_user: sudoUser,
        database_role: last.role,
        host,
        command,
        counts: canonicalJson(counts),
        result,
        previous_hash: previousHash,
        hash,
      })
      .execute();
  }
}

/** The hash that an entry must have. */
export async function hashOf(entry: Omit<AuditEntry, 'id' | 'hash'>): Promise<string> {
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(canonicalEntry(entry)).digest('hex');
}

/** Which entries of the trail are asked for; what is undefined does not matter. */
export interface AuditFilter {
  readonly from?: Instant | undefined;
  /** Exclusive. */
  readonly to?: Instant | undefined;
  /** The account, or who that was before sudo. */
  readonly user?: string | undefined;
  readonly host?: string | undefined;
  /** The words that the command begins with. */
  readonly command?: string | undefined;
  /** The newest so many. */
  readonly limit: number;
}

/** Entries in the order of arrival. */
export async function findAuditEntries(tx: Transaction<Schema>, filter: AuditFilter): Promise<AuditEntry[]> {
  const { from, to, user, host, command, limit } = filter;
  let query = tx.selectFrom('audit_entries').selectAll().orderBy('id', 'desc').limit(limit);
  if (from !== undefined) query = query.where('at', '>=', from);
  if (to !== undefined) query = query.where('at', '<', to);
  if (user !== undefined) {
    query = query.where((eb) => eb.or([eb('os_user', '=', user), eb('sudo_user', '=', user)]));
  }
  if (host !== undefined) query = query.where('host', '=', host);
  if (command !== undefined) {
    const words = `${command} `;
    query = query.where(sql`substr(command || ' ', 1, ${[...words].length})`, '=', words);
  }
  return (await query.execute()).map(entryFromRow).reverse();
}

/** What an auditor finds wrong with an entry. */
export interface ChainFault {
  readonly entry: AuditEntry;
  readonly what: 'altered' | 'unlinked';
}

const ENTRIES_PER_PAGE = 1000;

/**
 * Recomputes every chain. An entry is `altered` when its hash is not that of its content, `unlinked` when it does not
 * follow on the entry before it.
 * @param most stops after so many faults
 */
export async function verifyChains(
  tx: Transaction<Schema>,
  most: number,
): Promise<{ entries: number; chains: number; faults: ChainFault[] }> {
  const faults: ChainFault[] = [];
  let [entries, chains] = [0, 0];
  let before: AuditEntry | undefined;
  for (let page = await entriesAfter(tx, before); page.length > 0; page = await entriesAfter(tx, before)) {
    for (const entry of page) {
      const isFirst = before?.topic !== entry.topic;
      const [position, hash] = isFirst ? [0, NO_HASH] : [before?.position ?? 0, before?.hash];
      if (entry.position !== position + 1 || entry.previousHash !== hash)
        faults.push({ entry, what: 'unlinked' });
      if (entry.hash !== (await hashOf(entry))) faults.push({ entry, what: 'altered' });
      entries += 1;
      if (isFirst) chains += 1;
      before = entry;
    }
    if (faults.length >= most) break;
  }
  return { entries, chains, faults };
}

async function entriesAfter(tx: Transaction<Schema>, before: AuditEntry | undefined): Promise<AuditEntry[]> {
  const rows = await tx
    .selectFrom('audit_entries')
    .selectAll()
    .$if(before !== undefined, (query) =>
      query.where(
        sql`(topic, position, id)`,
        '>',
        sql`(${before?.topic}, ${before?.position}, ${before?.id})`,
      ),
    )
    .orderBy('topic')
    .orderBy('position')
    .orderBy('id')
    .limit(ENTRIES_PER_PAGE)
    .execute();
  return rows.map(entryFromRow);
}

function entryFromRow(row: Selectable<Schema['audit_entries']>): AuditEntry {
  return {
    id: row.id,
    topic: row.topic,
    position: row.position,
    at: row.at as Instant,
    osUser: row.os_user,
    sudoUser: row.sudo_user,
    databaseRole: row.database_role,
    host: row.host,
    command: row.command,
    counts: parseCounts(row.counts),
    result: row.result,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

/** What was altered past all rules may be no JSON; its hash is wrong then, and that is what is to be told. */
function parseCounts(text: string): ChangeCounts {
  try {
    return JSON.parse(text) as ChangeCounts;
  } catch {
    return {};
  }
}

/** Migrations write before the trail is there, and after it is gone. */
async function hasTrail(tx: Transaction<Schema>): Promise<boolean> {
  const row = await tx
    .selectFrom('schema_migrations')
    .select('name')
    .where('name', '=', TRAIL)
    .executeTakeFirst();
  return row !== undefined;
}
