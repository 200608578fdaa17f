import { refuse, UserError } from '../core/errors.ts';
import { parseHostname } from '../core/hostname.ts';
import { readPrefix } from '../core/prefix.ts';
import { renderClientConfig } from '../core/wireguard-config.ts';
import { type PrivateKey, type PublicKey, parsePublicKey } from '../core/wireguard-key.ts';
import { checkReach } from '../io/db/access.ts';
import { only } from '../io/db/database.ts';
import { findNetworks } from '../io/db/vpn-networks.ts';
import { findPools } from '../io/db/vpn-pools.ts';
import { createPrivateFile } from '../io/files.ts';
import { readPrivateKey } from '../io/wireguard-key-files.ts';
import { publicKeyOf } from '../io/wireguard-keys.ts';
import type { Context } from './context.ts';

/** Which network the configuration is for, and where its private key comes from. */
export interface ClientConfigRequest {
  readonly networkId: number;
  /** The client's private key: a file, or `-` for standard input; null leaves a placeholder. */
  readonly privateKeyFile: string | null;
  /** Whether it is for a phone, which can put no key in. */
  readonly forPhone?: boolean;
  /** The new file, mode 0600, that the configuration goes to; null: it is returned only. */
  readonly output: string | null;
}

/**
 * The configuration with which a client reaches its network. It is a secret when it has the private key, which is
 * only read here, never kept.
 * @throws QR_NEEDS_KEY, UNKNOWN_NETWORK, FORBIDDEN, KEY_MISMATCH, FILE_EXISTS, FILE_NOT_WRITABLE, what `readPrivateKey`
 *   refuses, INVALID_HOSTNAME and INVALID_KEY when somebody else wrote host or key into the database
 */
export async function clientConfig(context: Context, request: ClientConfigRequest): Promise<string> {
  const { networkId, privateKeyFile, forPhone = false, output } = request;
  if (forPhone && privateKeyFile === null) throw refuse.QR_NEEDS_KEY({ networkId });
  const database = await context.db();
  const { network, pool } = await database.read(async (tx) => {
    const [found] = await findNetworks(tx, { ids: [networkId] });
    if (found === undefined) throw refuse.UNKNOWN_NETWORK({ id: String(networkId) });
    await checkReach(tx, context.asUser, found.username, `network ${networkId}`);
    return { network: found, pool: only(await findPools(tx, { id: found.poolId })) };
  });
  const prefix = readPrefix(network.network);
  if (prefix === null) throw new Error(`network ${networkId} is stored as ${network.network}`);
  // wg-quick runs what a line says, as root: a name or key with a line end in it must not get into the file.
  const hostname = parseHostname(pool.hostname);
  const publicKey = storedKey('network', network, '--public-key KEY');
  const poolKey = storedKey('pool', pool, '--generate-key');
  let privateKey: PrivateKey | null = null;
  if (privateKeyFile !== null) {
    privateKey = await readPrivateKey(privateKeyFile);
    if (publicKeyOf(privateKey) !== publicKey) throw refuse.KEY_MISMATCH({ networkId });
  }
  const text = renderClientConfig({
    networkId,
    network: prefix,
    publicKey,
    privateKey,
    pool: { ...pool, hostname, publicKey: poolKey },
  });
  if (output !== null) await createPrivateFile(output, text);
  return text;
}

/** The key of a row, which may be any text when somebody else wrote it there. */
function storedKey(
  kind: 'network' | 'pool',
  { id, publicKey }: { readonly id: number; readonly publicKey: string },
  newKey: string,
): PublicKey {
  try {
    return parsePublicKey(publicKey);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw error
      .at(`${kind} ${id}`)
      .hinting(`Give it another: uncloud vpn ${kind} rotate-key ${id} ${newKey}`);
  }
}
