import type { Transaction } from 'kysely';
import { quote, refuse } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { ServiceName } from '../core/service.ts';
import { shellWord } from '../core/shell-word.ts';
import { only } from '../io/db/database.ts';
import type { Schema } from '../io/db/schema.ts';
import { storeWithSecretFile } from '../io/new-secret-file.ts';
import { readSecret } from '../io/secret-input.ts';
import { hashSecret, matchesHash, newSecret } from '../io/service-secrets.ts';
import type { Context } from './context.ts';

/** A service account, without its secret, of which only a hash is stored. */
export interface Service {
  readonly id: number;
  readonly name: ServiceName;
  readonly createdAt: Instant;
  /** When it was given its secret. */
  readonly rotatedAt: Instant;
}

/** Which service account gets a secret, and where the secret goes. */
export interface SecretRequest {
  readonly name: ServiceName;
  /** The new file, mode 0600, that the secret goes to; null: it is returned only. */
  readonly secretFile: string | null;
}

/** A service account with the secret that it was just given. */
export interface NewSecret {
  readonly service: Service;
  readonly secret: string;
}

/**
 * Creates a service account with a new secret.
 * @throws SERVICE_EXISTS, FILE_EXISTS, FILE_NOT_WRITABLE, SECRET_NOT_PLACED
 */
export async function createService(context: Context, request: SecretRequest): Promise<NewSecret> {
  const { name } = request;
  return giveSecret(context, request, async (tx, secret_hash) => {
    if ((await findServices(tx, name)).length > 0) throw refuse.SERVICE_EXISTS({ name });
    const row = { name, secret_hash, created_at: context.now, rotated_at: context.now };
    await tx.insertInto('services').values(row).execute();
  });
}

/**
 * Gives a service account another secret; the old one counts for nothing from then on.
 * @throws UNKNOWN_SERVICE, FILE_EXISTS, FILE_NOT_WRITABLE, SECRET_NOT_PLACED
 */
export async function rotateService(context: Context, request: SecretRequest): Promise<NewSecret> {
  return giveSecret(context, request, async (tx, secret_hash) => {
    const { id } = await findService(tx, request.name);
    const change = { secret_hash, rotated_at: context.now };
    await tx.updateTable('services').set(change).where('id', '=', id).execute();
  });
}

async function giveSecret(
  context: Context,
  { name, secretFile }: SecretRequest,
  store: (tx: Transaction<Schema>, hash: string) => Promise<void>,
): Promise<NewSecret> {
  const secret = newSecret();
  const database = await context.db();
  const work = () =>
    database.write('people', async (tx) => {
      await store(tx, hashSecret(secret));
      return findService(tx, name);
    });
  if (secretFile === null) return { service: await work(), secret };
  const owner = {
    subject: `The service account ${quote(name)}`,
    next: `uncloud service rotate ${shellWord(name)} --secret-file OTHER`,
  };
  return { service: await storeWithSecretFile({ file: secretFile, secret, owner }, work), secret };
}

/** All service accounts, in the order of their ids. */
export async function listServices(context: Context): Promise<Service[]> {
  const database = await context.db();
  return database.read((tx) => findServices(tx));
}

/**
 * A service account, without its secret, which nobody can read again.
 * @throws UNKNOWN_SERVICE
 */
export async function showService(context: Context, name: ServiceName): Promise<Service> {
  const database = await context.db();
  return database.read((tx) => findService(tx, name));
}

/**
 * Deletes a service account: its secret is refused from then on.
 * @throws UNKNOWN_SERVICE
 */
export async function deleteService(context: Context, name: ServiceName): Promise<Service> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const service = await findService(tx, name);
    await tx.deleteFrom('services').where('id', '=', service.id).execute();
    return service;
  });
}

/**
 * Checks that a secret, in a file or on standard input (`-`), is the one of a service account.
 * @throws UNKNOWN_SERVICE, WRONG_SECRET, INPUT_NOT_FOUND, SECRET_FILE_MODE
 */
export async function verifyService(
  context: Context,
  { name, secretFile }: { name: ServiceName; secretFile: string },
): Promise<Service> {
  const secret = await readSecret(secretFile);
  const database = await context.db();
  return database.read(async (tx) => {
    const service = await findService(tx, name);
    const rows = await tx.selectFrom('services').select('secret_hash').where('id', '=', service.id).execute();
    if (!matchesHash(secret, only(rows).secret_hash)) throw refuse.WRONG_SECRET({ name });
    return service;
  });
}

async function findService(tx: Transaction<Schema>, name: ServiceName): Promise<Service> {
  const [service] = await findServices(tx, name);
  if (service === undefined) throw refuse.UNKNOWN_SERVICE({ name });
  return service;
}

async function findServices(tx: Transaction<Schema>, name?: ServiceName): Promise<Service[]> {
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
