import type { ServedPool, StoredNetwork } from '../../src/lib/core/host-plan.ts';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import { formatPrefix, slotPrefix } from '../../src/lib/core/prefix.ts';
import { type PublicKey, parsePrivateKey, parsePublicKey } from '../../src/lib/core/wireguard-key.ts';

/** A public key of our own making: the same number gives the same key. */
export function testKey(number: number): PublicKey {
  const bytes = Buffer.alloc(32, 0xa5);
  bytes.writeUInt32LE(number);
  return parsePublicKey(bytes.toString('base64'));
}

/** The pool of the manual, with the keys of Alice in RFC 7748 §6.1. */
export const POOL: ServedPool = {
  id: 3,
  hostname: parseHostname('vpn-1.example.net'),
  interface: parseInterfaceName('wg0'),
  prefix: parsePrefix('2a0a:e5c1:200::/40'),
  subnetworkSize: 48,
  listenPort: parseListenPort('51820'),
  privateKey: parsePrivateKey('cAdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LGo='),
  publicKey: parsePublicKey('hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo='),
};

/** A network as the database holds it, sound unless a field is replaced. */
export function storedNetwork(slot: number, replaced: Partial<StoredNetwork> = {}): StoredNetwork {
  const network = formatPrefix(slotPrefix(POOL.prefix, POOL.subnetworkSize, BigInt(slot)));
  return { id: slot + 1, slot, network, publicKey: testKey(slot), ...replaced };
}
