import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import type { Schema } from './db/schema.ts';
import { createPrivateFile, lookAt, readSecretFile } from './files.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/** Opens secrets under one key file: AES-256-GCM (NIST SP 800-38D), bound to the row that holds them. */
export interface Opener {
  /**
   * @param place the row and column, as when sealing
   * @throws SECRET_KEY_WRONG when the key, the text or the place is another one
   */
  open(sealed: string, place: string): string;
}

/** Also seals them. */
export interface Sealer extends Opener {
  /** Returns printable text. */
  seal(secret: string, place: string): string;
}

/** The place of a pool's private key, as bound into its seal. */
export function poolKeyPlace(poolId: number): string {
  return `vpn_pools/${poolId}/private_key`;
}

/**
 * What opens the secrets of this database. Nothing is written: a missing key file is a refusal, whatever the
 * database holds.
 * @throws SECRET_KEY_MISSING, SECRET_KEY_WRONG, SECRET_FILE_MODE
 */
export async function openerFor(tx: Transaction<Schema>, file: string): Promise<Opener> {
  return (await readKeyOf(await recordedFingerprint(tx), file)).sealer;
}

/**
 * What seals the secrets of this database. While none was ever sealed in it, a missing key file is made (mode 0600)
 * and its fingerprint recorded in the given transaction; after that the same file is needed for ever.
 * @throws SECRET_KEY_MISSING, SECRET_KEY_WRONG, SECRET_FILE_MODE, FILE_NOT_WRITABLE
 */
export async function sealerFor(tx: Transaction<Schema>, file: string): Promise<Sealer> {
  const recorded = await recordedFingerprint(tx);
  if (recorded === undefined && (await lookAt(file)) === undefined) {
    await createPrivateFile(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
  }
  const { sealer, fingerprint } = await readKeyOf(recorded, file);
  if (recorded === undefined) await tx.insertInto('secret_keys').values({ id: 1, fingerprint }).execute();
  return sealer;
}

async function recordedFingerprint(tx: Transaction<Schema>): Promise<string | undefined> {
  return (await tx.selectFrom('secret_keys').select('fingerprint').executeTakeFirst())?.fingerprint;
}

/** Reads the key file; it must have the recorded fingerprint, if there is one. */
async function readKeyOf(
  recorded: string | undefined,
  file: string,
): Promise<{ sealer: Sealer; fingerprint: string }> {
  const key = await readKey(file);
  const fingerprint = createHash('sha256')
    .update('uncloud secrets key fingerprint\0')
    .update(key)
    .digest('hex');
  if (recorded !== undefined && recorded !== fingerprint) throw refuse.SECRET_KEY_WRONG({ file });
  const derived = Buffer.from(hkdfSync('sha256', key, '', 'uncloud sealed secret', KEY_BYTES));
  return { sealer: sealerOf(derived, file), fingerprint };
}

async function readKey(file: string): Promise<Buffer> {
  if ((await lookAt(file)) === undefined) throw refuse.SECRET_KEY_MISSING({ file });
  const key = Buffer.from((await readSecretFile(file)).trim(), 'base64');
  if (key.length !== KEY_BYTES) throw refuse.SECRET_KEY_WRONG({ file });
  return key;
}

function sealerOf(key: Buffer, file: string): Sealer {
  return {
    seal(secret, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([
        nonce,
        cipher.update(secret, 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return `${VERSION}:${sealed.toString('base64')}`;
    },
    open(sealed, place) {
      try {
        const bytes = Buffer.from(sealed.slice(VERSION.length + 1), 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
        const secret = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
        return Buffer.concat([decipher.update(secret), decipher.final()]).toString('utf8');
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw refuse.SECRET_KEY_WRONG({ file });
      }
    },
  };
}
