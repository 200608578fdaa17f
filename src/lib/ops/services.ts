import type { Transaction } from 'kysely';
import { quote, refuse } from '../core/errors.ts';
import type { ServiceName } from '../core/service.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Schema } from '../io/db/schema.ts';
import {
  findSecretHash,
  findServices,
  getService,
  insertService,
  removeService,
  replaceSecretHash,
  type StoredService,
} from '../io/db/services.ts';
import { storeWithSecretFile } from '../io/new-secret-file.ts';
import { readSecret } from '../io/secret-input.ts';
import { hashSecret, matchesHash, newSecret } from '../io/service-secrets.ts';
import type { Context } from './context.ts';

/** Which service account gets a secret, and where the secret goes. */
export interface SecretRequest {
  readonly name: ServiceName;
  /** The new file, mode 0600, that the secret goes to; null: it is returned only. */
  readonly secretFile: string | null;
}

/** A service account with the secret that it was just given. */
export interface NewSecret {
  readonly service: StoredService;
  readonly secret: string;
}

/**
 * Creates a service account with a new secret.
 * @throws SERVICE_EXISTS, FILE_EXISTS, FILE_NOT_WRITABLE, SECRET_NOT_PLACED
 */
export async function createService(context: Context, request: SecretRequest): Promise<NewSecret> {
  const { name } = request;
  return giveSecret(context, request, async (tx, secretHash) => {
    if ((await findServices(tx, name)).length > 0) throw refuse.SERVICE_EXISTS({ name });
    await insertService(tx, { name, secretHash, now: context.now });
  });
}

/**
 * Gives a service account another secret; the old one counts for nothing from then on.
 * @throws UNKNOWN_SERVICE, FILE_EXISTS, FILE_NOT_WRITABLE, SECRET_NOT_PLACED
 */
export async function rotateService(context: Context, request: SecretRequest): Promise<NewSecret> {
  return giveSecret(context, request, async (tx, secretHash) => {
    const { id } = await getService(tx, request.name);
    await replaceSecretHash(tx, id, { secretHash, now: context.now });
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
      return getService(tx, name);
    });
  if (secretFile === null) return { service: await work(), secret };
  const owner = {
    subject: `The service account ${quote(name)}`,
    next: `uncloud service rotate ${shellWord(name)} --secret-file OTHER`,
  };
  return { service: await storeWithSecretFile({ file: secretFile, secret, owner }, work), secret };
}

/** All service accounts, in the order of their ids. */
export async function listServices(context: Context): Promise<StoredService[]> {
  const database = await context.db();
  return database.read((tx) => findServices(tx));
}

/**
 * A service account, without its secret, which nobody can read again.
 * @throws UNKNOWN_SERVICE
 */
export async function showService(context: Context, name: ServiceName): Promise<StoredService> {
  const database = await context.db();
  return database.read((tx) => getService(tx, name));
}

/**
 * Deletes a service account: its secret is refused from then on.
 * @throws UNKNOWN_SERVICE
 */
export async function deleteService(context: Context, name: ServiceName): Promise<StoredService> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const service = await getService(tx, name);
    await removeService(tx, service.id);
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
): Promise<StoredService> {
  const secret = await readSecret(secretFile);
  const database = await context.db();
  return database.read(async (tx) => {
    const service = await getService(tx, name);
    if (!matchesHash(secret, await findSecretHash(tx, service.id))) throw refuse.WRONG_SECRET({ name });
    return service;
  });
}
