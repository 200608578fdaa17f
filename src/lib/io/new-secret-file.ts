import { refuse, UserError } from '../core/errors.ts';
import { createNewFile } from './files.ts';

/** Whom a new secret is for, and what makes another one, for the case that its file cannot be placed. */
export interface SecretOwner {
  readonly subject: string;
  readonly next: string;
}

/**
 * Gives a secret to a new file, mode 0600, and to the database: the file is on the disk before `store` begins, and has
 * its name only when that is done. Whenever this is interrupted, no file holds a secret that counts for nothing.
 * @throws FILE_EXISTS, FILE_NOT_WRITABLE: nothing is stored; SECRET_NOT_PLACED: it is stored
 */
export async function storeWithSecretFile<T>(
  { file, secret, owner }: { file: string; secret: string; owner: SecretOwner },
  store: () => Promise<T>,
): Promise<T> {
  const pending = await createNewFile(file);
  try {
    await pending.write(`${secret}\n`);
    await pending.complete();
    const stored = await store();
    await pending.publish().catch((error: unknown) => {
      throw error instanceof UserError
        ? refuse.SECRET_NOT_PLACED({ ...owner, reason: error.message })
        : error;
    });
    return stored;
  } finally {
    await pending.discard();
  }
}
