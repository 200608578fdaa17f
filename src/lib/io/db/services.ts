import type { Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { Instant } from '../../core/instant.ts';
import type { ServiceName } from '../../core/service.ts';
import { only } from './database.ts';
import type { Schema } from './schema.ts';

/** A service account in the database, without its secret, of which only a hash is stored. */
export interface StoredService {
  readonly id: number;
  readonly name: ServiceName;
  readonly createdAt: Instant;
  /** When it was given its secret. */
  readonly rotatedAt: Instant;
}

/** The service accounts of this name, or all, in the order of their ids. */
export async function findServices(tx: Transaction<Schema>, name?: ServiceName): Promise<StoredService[]> {
  let query = tx.selectFrom('services').select(['id', 'name', 'created_at', 'rotated_at']).orderBy('id');
  if (name !== undefined) query = query.where('name', '=', name);
  const rows = await query.execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name as ServiceName,
    createdAt: row.created_at as Instant,
    rotatedAt: row.rotated_at as Instant,
  }));
}

/**
 * The service account of that name.
 * @throws UNKNOWN_SERVICE
 */
export async function getService(tx: Transaction<Schema>, name: ServiceName): Promise<StoredService> {
  const [service] = await findServices(tx, name);
  if (service === undefined) throw refuse.UNKNOWN_SERVICE({ name });
  return service;
}

/** The hash of the secret of a service account. */
export async function findSecretHash(tx: Transaction<Schema>, id: number): Promise<string> {
  const rows = await tx.selectFrom('services').select('secret_hash').where('id', '=', id).execute();
  return only(rows).secret_hash;
}

/** Adds a service account with the hash of its first secret. */
export async function insertService(
  tx: Transaction<Schema>,
  { name, secretHash, now }: { name: ServiceName; secretHash: string; now: Instant },
): Promise<void> {
  const row = { name, secret_hash: secretHash, created_at: now, rotated_at: now };
  await tx.insertInto('services').values(row).execute();
}

/** Puts the hash of another secret in the place of the old one. */
export async function replaceSecretHash(
  tx: Transaction<Schema>,
  id: number,
  { secretHash, now }: { secretHash: string; now: Instant },
): Promise<void> {
  const change = { secret_hash: secretHash, rotated_at: now };
  await tx.updateTable('services').set(change).where('id', '=', id).execute();
}

/** Deletes a service account. */
export async function removeService(tx: Transaction<Schema>, id: number): Promise<void> {
  await tx.deleteFrom('services').where('id', '=', id).execute();
}
