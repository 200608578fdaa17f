import type { Transaction } from 'kysely';
import { quote, UserError } from '../core/errors.ts';
import { doubtful, type Finding, faulty, MOST_FINDINGS, refused, sound, verdict } from '../core/finding.ts';
import { parseHostname } from '../core/hostname.ts';
import { formatInstant } from '../core/instant.ts';
import { isInterfaceName } from '../core/interface-name.ts';
import { misfit } from '../core/order.ts';
import {
  firstAddressHex,
  formatPrefix,
  lastAddressHex,
  type Prefix,
  readPrefix,
  slotCount,
  slotPrefix,
} from '../core/prefix.ts';
import { isPublicKey, parsePrivateKey } from '../core/wireguard-key.ts';
import { verifyChains } from '../io/db/audit.ts';
import {
  countPayments,
  findNetworkRows,
  findOverlaps,
  findPoolRows,
  findReleasedNetworks,
  findRepeatedPayments,
  findReplacedTwice,
  findSuccessions,
  findWronglyPaid,
  type NetworkRow,
  type OwnedOrderRow,
  type PaidRow,
  type PoolRow,
} from '../io/db/data-doctor.ts';
import { orderFromRow } from '../io/db/orders.ts';
import { inPages, type Page } from '../io/db/pages.ts';
import type { Schema } from '../io/db/schema.ts';
import {
  compareSchema,
  findOrphans,
  migrationsWithoutChecksum,
  shippedForeignKeys,
} from '../io/db/shipped-schema.ts';
import { openerFor, poolKeyPlace } from '../io/secrets.ts';
import { publicKeyOf } from '../io/wireguard-keys.ts';
import type { Context } from './context.ts';

/** Looks whether the stored rows are what the program alone can have written; bills are left to `verifyBills`. */
export async function examineData(context: Context): Promise<Finding[]> {
  const database = await context.db();
  const keys = await shippedForeignKeys();
  return database.read(async (tx) => {
    const poolRows = await findPoolRows(tx);
    return [
      ...(await checksums(tx)),
      ...(await orphans(tx, keys)),
      ...(await pools(tx, poolRows)),
      ...(await networks(tx, poolRows)),
      ...(await replacements(tx)),
      ...(await payments(tx)),
      ...(await secrets(tx, poolRows, context.config['secrets.key_file'])),
      ...(await trail(tx)),
    ];
  });
}

/** Compares the schema of the database with the one that the shipped migrations make. */
export async function examineSchema(context: Context): Promise<readonly Finding[]> {
  const database = await context.db();
  try {
    const found = (await compareSchema(database)).map(({ part: { kind, table, name }, what }) => {
      const subject = table === '' || table === name ? name : `${table}.${name}`;
      if (what === 'added') {
        const message = `this ${kind} is not made by the migrations`;
        return doubtful('live-schema', subject, message, 'Drop it, unless you added it on purpose.');
      }
      const message =
        what === 'missing' ? `this ${kind} is missing` : `this ${kind} is not as the migrations make it`;
      return faulty(
        'live-schema',
        subject,
        message,
        'Restore it: `uncloud migrate --sql` on an empty database shows it.',
      );
    });
    return verdict(found, sound('live-schema', database.address, 'is what the migrations make'));
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'DATABASE_PERMISSION') throw error;
    return [doubtful('live-schema', database.address, `could not be compared: ${error.message}`, error.hint)];
  }
}

async function checksums(tx: Transaction<Schema>): Promise<readonly Finding[]> {
  const found = (await migrationsWithoutChecksum(tx)).map((name) =>
    faulty(
      'checksums',
      name,
      'is applied and has no checksum',
      'Restore schema_migration_checksums from a backup.',
    ),
  );
  return verdict(
    found,
    sound('checksums', 'migrations', 'each applied one has the checksum of the shipped one'),
  );
}

async function orphans(
  tx: Transaction<Schema>,
  keys: Awaited<ReturnType<typeof shippedForeignKeys>>,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const key of keys) {
    for (const { row, names } of await findOrphans(tx, key, MOST_FINDINGS + 1)) {
      const { table, firstColumn, columns, parent } = key;
      const message = `its ${columns.join(', ')} is ${names}, and no row of ${parent} is that`;
      const fix = `Restore that row of ${parent} from a backup.`;
      found.push(faulty('orphans', `${table} with ${firstColumn} ${row}`, message, fix));
    }
  }
  return verdict(found, sound('orphans', 'tables', 'no row names one that is not there'));
}

async function pools(tx: Transaction<Schema>, rows: readonly PoolRow[]): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const row of rows) {
    const fault = (message: string) =>
      found.push(faulty('pools', `pool ${row.id}`, message, 'Restore its row of vpn_pools from a backup.'));
    if (computedOrNull(() => parseHostname(row.hostname)) !== row.hostname) {
      fault(`its host is stored as ${quote(row.hostname)}, which is no name`);
    }
    if (!isInterfaceName(row.interface)) {
      fault(`its interface is stored as ${quote(row.interface)}, which is no name`);
    }
    const prefix = readPrefix(row.network);
    if (prefix === null) {
      fault(`its prefix is stored as ${row.network}, which is none`);
      continue;
    }
    if (row.first_address !== firstAddressHex(prefix) || row.last_address !== lastAddressHex(prefix)) {
      fault(`its addresses are not those of ${row.network}`);
    }
    if (row.slot_count !== String(computedOrNull(() => slotCount(prefix, row.subnetwork_size)))) {
      fault(`${row.slot_count} is not how many networks of size ${row.subnetwork_size} it holds`);
    }
    const [lent, released] = [Number(row.lent), Number(row.released)];
    if (row.next_slot !== lent + released) {
      fault(`its next slot is ${row.next_slot}, with ${lent} networks lent and ${released} given back`);
    }
  }
  found.push(...(await overlaps(tx, 'vpn_pools', 'pools', 'pool')));
  return verdict(found, sound('pools', 'pools', `${rows.length}; none overlaps another`));
}

async function networks(tx: Transaction<Schema>, rows: readonly PoolRow[]): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  // A pool whose own prefix is wrong is told by `pools`.
  const byId = new Map(rows.map((row) => [row.id, { row, prefix: readPrefix(row.network) }]));
  let count = 0;
  for await (const page of pagesOf(tx, findNetworkRows, ({ id }) => id)) {
    count += page.length;
    for (const network of page) {
      const { row: pool, prefix = null } = byId.get(network.pool_id) ?? {};
      if (pool === undefined || prefix === null || found.length > MOST_FINDINGS) continue;
      found.push(...networkFindings(network, pool, prefix));
    }
  }
  found.push(...(await overlaps(tx, 'vpn_networks', 'networks', 'network')));
  for (const { id, network } of await findReleasedNetworks(tx, MOST_FINDINGS)) {
    const fix = 'Delete its row of vpn_released_slots.';
    found.push(faulty('networks', `network ${id}`, `${network} is lent, and listed as given back`, fix));
  }
  const message = `${count}; each lies in its pool and none overlaps another`;
  return verdict(found, sound('networks', 'networks', message));
}

function networkFindings(row: NetworkRow, pool: PoolRow, prefix: Prefix): Finding[] {
  const found: Finding[] = [];
  const due = computedOrNull(() => slotPrefix(prefix, pool.subnetwork_size, BigInt(row.slot)));
  const fix = `Give it back with: uncloud vpn network delete ${row.id}`;
  if (!isPublicKey(row.public_key)) {
    const message = `its public key is stored as ${quote(row.public_key)}, which is none`;
    const keyFix = `Give it the client's: uncloud vpn network rotate-key ${row.id} --public-key KEY`;
    found.push(faulty('networks', `network ${row.id}`, message, keyFix));
  }
  if (due === null || row.network !== formatPrefix(due) || row.slot >= pool.next_slot) {
    const message = `${row.network} is not slot ${row.slot} of pool ${pool.id}, ${pool.network} in /${pool.subnetwork_size}`;
    found.push(faulty('networks', `network ${row.id}`, message, fix));
  } else if (row.first_address !== firstAddressHex(due) || row.last_address !== lastAddressHex(due)) {
    found.push(faulty('networks', `network ${row.id}`, `its addresses are not those of ${row.network}`, fix));
  }
  return found;
}

/** Prefixes that share addresses with one that begins before them, or with them. */
async function overlaps(
  tx: Transaction<Schema>,
  table: 'vpn_pools' | 'vpn_networks',
  id: string,
  noun: string,
): Promise<Finding[]> {
  const rows = await findOverlaps(tx, table, MOST_FINDINGS + 1);
  return rows.map((row) => {
    const message = `${row.network} overlaps ${row.other} of ${noun} ${row.other_id}`;
    return faulty(
      id,
      `${noun} ${row.id}`,
      message,
      `Give one of them back with: uncloud vpn ${noun} delete ID`,
    );
  });
}

async function replacements(tx: Transaction<Schema>): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  let count = 0;
  for await (const page of pagesOf(tx, findSuccessions, ({ successor }) => successor.id)) {
    count += page.length;
    for (const { replaced, successor } of page) {
      if (replaced !== undefined && found.length <= MOST_FINDINGS) {
        found.push(...successionFindings(replaced, successor));
      }
    }
  }
  const fix = 'Cancel all but one of them with: uncloud order update ID --ends-at START';
  for (const id of await findReplacedTwice(tx, MOST_FINDINGS)) {
    found.push(faulty('replacements', `order ${id}`, 'has several successors', fix));
  }
  return verdict(found, sound('replacements', 'orders', `${count} replaced; each meets its successor`));
}

function successionFindings(oldRow: OwnedOrderRow, row: OwnedOrderRow): Finding[] {
  const [old, successor] = [orderFromRow(oldRow), orderFromRow(row)];
  const subject = `order ${old.id}`;
  const restore = `Restore order ${successor.id} from a backup.`;
  if (oldRow.user_id !== row.user_id) {
    return [faulty('replacements', subject, `is replaced by order ${row.id} of another user`, restore)];
  }
  if (old.currency !== successor.currency) {
    return [faulty('replacements', subject, `is replaced by order ${row.id} in another currency`, restore)];
  }
  if (old.id >= successor.id) {
    return [faulty('replacements', subject, `is replaced by order ${row.id}, which is older`, restore)];
  }
  const found = misfit(old, successor);
  if (found === null || old.endsAt === null) return [];
  const start = formatInstant(successor.startsAt);
  const message = `ends at ${formatInstant(old.endsAt)}, and its successor ${successor.id} starts at ${start}`;
  const fix = `Let them meet with: uncloud order update ${old.id} --ends-at ${start}`;
  return [(found === 'overlap' ? faulty : doubtful)('replacements', subject, message, fix)];
}

async function payments(tx: Transaction<Schema>): Promise<readonly Finding[]> {
  const count = await countPayments(tx);
  const wrong = await findWronglyPaid(tx, MOST_FINDINGS + 1);
  const repeated = await findRepeatedPayments(tx, MOST_FINDINGS + 1);
  const found = [
    ...wrong.map((bill) => paymentFinding(bill, wrongPayments(bill))),
    ...repeated.map((bill) => paymentFinding(bill, `has ${bill.times} payments ${quote(bill.reference)}`)),
  ];
  return verdict(found, sound('payments', 'payments', `${count}, each for an issued bill`));
}

function wrongPayments({ number, total }: { readonly number: number | null; readonly total: number }) {
  if (number === null) return 'is a draft, and has payments';
  if (total < 0) return 'is a credit note, and more was received for it than given back';
  return 'is an invoice, and more was given back for it than received';
}

function paymentFinding({ id, number }: PaidRow, message: string) {
  const bill = number ?? `id:${id}`;
  const fix = `Restore them from a backup; they are: uncloud payment list --bill ${bill}`;
  return faulty('payments', `bill ${bill}`, message, fix);
}

async function secrets(
  tx: Transaction<Schema>,
  rows: readonly PoolRow[],
  keyFile: string,
): Promise<readonly Finding[]> {
  const allIsWell = sound('sealed-secrets', 'pools', `${rows.length}; the private key of each opens`);
  if (rows.length === 0) return [allIsWell];
  try {
    const opener = await openerFor(tx, keyFile);
    const found: Finding[] = [];
    for (const { id, private_key, public_key } of rows) {
      const fix = `Give the pool a new key with: uncloud vpn pool rotate-key ${id} --generate-key`;
      try {
        const key = parsePrivateKey(opener.open(private_key, poolKeyPlace(id)));
        if (publicKeyOf(key) === public_key) continue;
        found.push(
          faulty('sealed-secrets', `pool ${id}`, 'its private key belongs to another public key', fix),
        );
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        found.push(faulty('sealed-secrets', `pool ${id}`, 'its private key does not open', fix));
      }
    }
    return verdict(found, allIsWell);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [refused('sealed-secrets', keyFile, error)];
  }
}

async function trail(tx: Transaction<Schema>): Promise<readonly Finding[]> {
  const { entries, chains, faults } = await verifyChains(tx, MOST_FINDINGS + 1);
  const found = faults.map(({ entry: { id, topic, position }, what }) => {
    const message =
      what === 'altered'
        ? 'its content is not what its hash was taken of'
        : `it does not follow on the entry before it: entries were removed, added or altered`;
    const fix = 'Find out who owns the database and changed the trail; a backup shows what it held.';
    return faulty('audit', `entry ${id}, ${topic} ${position}`, message, fix);
  });
  return verdict(found, sound('audit', 'trail', `${entries} entries in ${chains} chains, unbroken`));
}

/** All that `find` finds, in pages of one snapshot. */
function pagesOf<Item>(
  tx: Transaction<Schema>,
  find: (tx: Transaction<Schema>, page: Page) => Promise<Item[]>,
  keyOf: (item: Item) => number,
): AsyncGenerator<Item[]> {
  return inPages((part) => part(tx), find, keyOf);
}

/** Null: it cannot be computed of stored values, because they are wrong. */
function computedOrNull<T>(compute: () => T): T | null {
  try {
    return compute();
  } catch (error) {
    if (error instanceof UserError || error instanceof RangeError) return null;
    throw error;
  }
}
