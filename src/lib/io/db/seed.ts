import type { Transaction } from 'kysely';
import type { Hostname } from '../../core/hostname.ts';
import type { Schema } from './schema.ts';

/** The name of the first user whose mail address does not end like this; null when there is none. */
export async function findStranger(tx: Transaction<Schema>, mailEnding: string): Promise<string | null> {
  const stranger = await tx
    .selectFrom('users')
    .select('username')
    .where('email', 'not like', `%${mailEnding}`)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return stranger?.username ?? null;
}

/** Whether any VAT rate is stored. */
export async function hasVatRates(tx: Transaction<Schema>): Promise<boolean> {
  return (await tx.selectFrom('vat_rates').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** Who is lent the network of a public key by the pools of a host. */
export async function findBorrowers(
  tx: Transaction<Schema>,
  hostname: Hostname,
): Promise<Map<string, string>> {
  const lent = await tx
    .selectFrom('vpn_networks')
    .innerJoin('users', 'users.id', 'vpn_networks.user_id')
    .innerJoin('vpn_pools', 'vpn_pools.id', 'pool_id')
    .where('hostname', '=', hostname)
    .select(['vpn_networks.public_key', 'username'])
    .execute();
  return new Map(lent.map(({ public_key, username }) => [public_key, username]));
}
