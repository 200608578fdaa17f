import type { Transaction } from 'kysely';
import { UserError } from '../core/errors.ts';
import type { Schema } from '../io/db/schema.ts';
import { findPoolHostnames } from '../io/db/vpn-host-roles.ts';
import { findSealedKeys, type SealedKey, saveSealedKeys } from '../io/db/vpn-pools.ts';
import {
  beginRotation,
  checkRotation,
  finishRotation,
  isRotationUnfinished,
  type Opener,
  oldKeyFile,
  poolKeyPlace,
  type Sealer,
} from '../io/secrets.ts';
import type { Context } from './context.ts';

/** What a rotation of the key did, or would do. */
export interface Rotation {
  readonly keyFile: string;
  /** Where the key before it is kept. */
  readonly oldKeyFile: string;
  /** Secrets that are, or would be, sealed under the new key. */
  readonly secrets: number;
  /** The VPN hosts whose files are made of them: each has a copy of the key file. */
  readonly hostnames: readonly string[];
  /** Whether an earlier run had sealed them and this one had only the files to put in place. */
  readonly resumed: boolean;
}

/**
 * Seals all secrets of the database under a new key, in one transaction, and puts it in the place of the key file.
 * A run that is killed leaves a key file and a database that fit, and the next one does what was left to do.
 * @throws NOTHING_SEALED, OLD_KEY_KEPT, SECRET_KEY_MISSING, SECRET_KEY_WRONG, SECRET_DAMAGED (naming the secret),
 *   SECRET_FILE_MODE, FILE_NOT_WRITABLE
 */
export async function rotateSecrets(context: Context, { dryRun }: { dryRun: boolean }): Promise<Rotation> {
  const file = context.config['secrets.key_file'];
  const database = await context.db();
  if (dryRun) {
    return database.read(async (tx) => {
      const resumed = await isRotationUnfinished(tx, file);
      if (!resumed) openAll(await findSealedKeys(tx), await checkRotation(tx, file));
      return rotationOf(tx, file, resumed);
    });
  }
  const rotation = await database.write('vpn', async (tx) => {
    const resumed = await finishRotation(tx, file);
    if (!resumed) await sealAgain(tx, await beginRotation(tx, file));
    return rotationOf(tx, file, resumed);
  });
  await database.write('vpn', (tx) => finishRotation(tx, file));
  return rotation;
}

function openAll(secrets: readonly SealedKey[], opener: Opener): { poolId: number; secret: string }[] {
  return secrets.map(({ poolId, sealed }) => {
    try {
      return { poolId, secret: opener.open(sealed, poolKeyPlace(poolId)) };
    } catch (error) {
      throw error instanceof UserError ? error.at(`pool ${poolId}`) : error;
    }
  });
}

async function sealAgain(
  tx: Transaction<Schema>,
  { current, next }: { current: Opener; next: Sealer },
): Promise<void> {
  const opened = openAll(await findSealedKeys(tx), current);
  await saveSealedKeys(
    tx,
    opened.map(({ poolId, secret }) => ({ poolId, sealed: next.seal(secret, poolKeyPlace(poolId)) })),
  );
}

async function rotationOf(tx: Transaction<Schema>, file: string, resumed: boolean): Promise<Rotation> {
  const hostnames = await findPoolHostnames(tx);
  return {
    keyFile: file,
    oldKeyFile: oldKeyFile(file),
    secrets: hostnames.length,
    hostnames: [...new Set(hostnames)],
    resumed,
  };
}
