import { changedFields } from '../core/changed-fields.ts';
import { changeProvider, NO_PROVIDER, type Provider, type ProviderChange } from '../core/provider.ts';
import { findProvider, saveProvider } from '../io/db/provider.ts';
import type { Context } from './context.ts';

/** The seller; empty fields when nothing was set yet. */
export async function showProvider(context: Context): Promise<Provider> {
  const database = await context.db();
  return (await database.read(findProvider)) ?? NO_PROVIDER;
}

/**
 * Changes fields of the seller. Bills already made keep the seller that they were made with.
 * @throws INVALID_VAT_NUMBER
 */
export async function setProvider(
  context: Context,
  change: ProviderChange,
): Promise<{ provider: Provider; changed: string[] }> {
  const database = await context.db();
  return database.write('seller', async (tx) => {
    const before = (await findProvider(tx)) ?? NO_PROVIDER;
    const provider = changeProvider(before, change);
    const changed = changedFields(before, provider);
    if (changed.length > 0) await saveProvider(tx, provider);
    return { provider, changed };
  });
}
