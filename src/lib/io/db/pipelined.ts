import { type ConnectionProvider, type KyselyProps, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * The same transaction for statements that do not wait for each other. They run in the order in which they are given;
 * Kysely would send each when the one before it is answered, and leave the server without work in between.
 */
export function pipelined(
  tx: Transaction<Schema>,
  { dialect, driver }: Pick<KyselyProps, 'dialect' | 'driver'>,
): Transaction<Schema> {
  const inner = tx.getExecutor();
  const provider: ConnectionProvider = {
    provideConnection: async (consumer) => consumer(await inner.provideConnection(async (given) => given)),
  };
  const executor = inner.withConnectionProvider(provider);
  return new Transaction({ config: { dialect }, dialect, driver, executor });
}
