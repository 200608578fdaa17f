import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { Schema } from './db/schema.ts';
import {
  createPrivateFile,
  lookAt,
  makeFolderOf,
  readSecretFile,
  renameFile,
  writeFileAtomically,
} from './files.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/** Opens secrets under one key file: AES-256-GCM (NIST SP 800-38D), bound to the row that holds them. */
export interface Opener {
  /**
   * @param place the row and column, as when sealing
   * @throws SECRET_DAMAGED when the text or the place is another one; SECRET_KEY_WRONG when it may also be the key,
   *   because the database does not say which it asks for
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

/** Where a rotation keeps the key that it replaced: it opens what backups of the database hold. */
export function oldKeyFile(file: string): string {
  return `${file}.old`;
}

/** Where a rotation puts the new key until the secrets are sealed under it. */
function newKeyFile(file: string): string {
  return `${file}.new`;
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
 * and its fingerprint recorded in the given transaction; after that the same key is needed until it is rotated.
 * @throws SECRET_KEY_MISSING, SECRET_KEY_WRONG, SECRET_FILE_MODE, FILE_NOT_WRITABLE
 */
export async function sealerFor(tx: Transaction<Schema>, file: string): Promise<Sealer> {
  const recorded = await recordedFingerprint(tx);
  if (recorded === undefined && (await lookAt(file)) === undefined) {
    await makeFolderOf(file);
    await createPrivateFile(file, newKey());
  }
  const { sealer, fingerprint } = await readKeyOf(recorded, file);
  if (recorded === undefined) await tx.insertInto('secret_keys').values({ id: 1, fingerprint }).execute();
  return sealer;
}

/**
 * Makes the key of a rotation and records its fingerprint. The caller opens every secret with `current` and seals it
 * with `next` in the same transaction, and calls `finishRotation` in one that follows.
 *
 * The new key is whole in FILE.new before the transaction ends, and belongs to the owner of FILE; only after it FILE
 * is copied to FILE.old and FILE.new becomes FILE. So whenever the program is killed, the key that the database asks
 * for is in FILE or in FILE.new, and both are looked at. A FILE.new that no database asked for yet is the key of a run
 * that was killed; it is used.
 * @throws what `checkRotation` throws, FILE_NOT_WRITABLE
 */
export async function beginRotation(
  tx: Transaction<Schema>,
  file: string,
): Promise<{ current: Opener; next: Sealer }> {
  const current = await checkRotation(tx, file);
  if ((await lookAt(newKeyFile(file))) === undefined)
    await writeFileAtomically(newKeyFile(file), newKey(), file);
  const next = await readKeyOf(undefined, newKeyFile(file));
  await tx.updateTable('secret_keys').set({ fingerprint: next.fingerprint }).execute();
  return { current, next: next.sealer };
}

/**
 * What opens the secrets under the key that a rotation would replace.
 * @throws NOTHING_SEALED, OLD_KEY_KEPT, and what `openerFor` throws
 */
export async function checkRotation(tx: Transaction<Schema>, file: string): Promise<Opener> {
  const recorded = await recordedFingerprint(tx);
  if (recorded === undefined) throw refuse.NOTHING_SEALED({});
  const { sealer } = await readKeyOf(recorded, file);
  if ((await lookAt(oldKeyFile(file))) !== undefined) throw refuse.OLD_KEY_KEPT({ file: oldKeyFile(file) });
  return sealer;
}

/** Whether the secrets are sealed under the key in FILE.new: a rotation was killed before it could finish. */
export async function isRotationUnfinished(tx: Transaction<Schema>, file: string): Promise<boolean> {
  const recorded = await recordedFingerprint(tx);
  if (recorded === undefined) return false;
  const [present, coming] = [await readKey(file), await readKey(newKeyFile(file))];
  if (present !== undefined && fingerprintOf(present) === recorded) return false;
  return coming !== undefined && fingerprintOf(coming) === recorded;
}

/**
 * Puts the new key in the place of the old one, which stays in FILE.old; in a write transaction, so that no two
 * commands do so at once. Does nothing unless `isRotationUnfinished`.
 * @returns whether there was anything to do
 * @throws OLD_KEY_KEPT, FILE_NOT_WRITABLE; the secrets can be opened all the same
 */
export async function finishRotation(tx: Transaction<Schema>, file: string): Promise<boolean> {
  if (!(await isRotationUnfinished(tx, file))) return false;
  const [old, present] = [await readKey(oldKeyFile(file)), await readKey(file)];
  if (old !== undefined && present?.equals(old) !== true) {
    throw refuse.OLD_KEY_KEPT({ file: oldKeyFile(file) });
  }
  if (present !== undefined) await writeFileAtomically(oldKeyFile(file), await readSecretFile(file), file);
  await renameFile(newKeyFile(file), file);
  return true;
}

/** The fingerprint of the key that the secrets are sealed under; undefined: nothing was sealed yet. */
export async function recordedFingerprint(tx: Transaction<Schema>): Promise<string | undefined> {
  return (await tx.selectFrom('secret_keys').select('fingerprint').executeTakeFirst())?.fingerprint;
}

/**
 * Reads the key with the recorded fingerprint, if there is one. During a rotation it may be in FILE.new, and a
 * reader of the state before it finds it in FILE.old; FILE is looked at again because it may just have been replaced.
 */
async function readKeyOf(
  recorded: string | undefined,
  file: string,
): Promise<{ sealer: Sealer; fingerprint: string }> {
  const places = recorded === undefined ? [file] : [file, newKeyFile(file), oldKeyFile(file), file];
  for (const place of places) {
    const key = await readKey(place);
    if (key === undefined) continue;
    const fingerprint = fingerprintOf(key);
    if (recorded !== undefined && recorded !== fingerprint) continue;
    const derived = Buffer.from(hkdfSync('sha256', key, '', 'uncloud sealed secret', KEY_BYTES));
    return { sealer: sealerOf(derived, place, recorded !== undefined), fingerprint };
  }
  throw (await lookAt(file)) === undefined
    ? refuse.SECRET_KEY_MISSING({ file })
    : refuse.SECRET_KEY_WRONG({ file });
}

/** The key in a file; undefined when there is no such file. */
async function readKey(file: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    text = await readSecretFile(file);
  } catch (error) {
    if ((await lookAt(file)) === undefined) return undefined;
    throw error;
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) throw refuse.SECRET_KEY_WRONG({ file });
  return key;
}

/** The content of a new key file. */
function newKey(): string {
  return `${randomBytes(KEY_BYTES).toString('base64')}\n`;
}

function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update('uncloud secrets key fingerprint\0').update(key).digest('hex');
}

/** @param isRight whether the key is known to be that of the database */
function sealerOf(key: Buffer, file: string, isRight: boolean): Sealer {
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
      } catch {
        throw isRight ? refuse.SECRET_DAMAGED({ place }) : refuse.SECRET_KEY_WRONG({ file });
      }
    },
  };
}
