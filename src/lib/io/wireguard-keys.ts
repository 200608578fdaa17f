import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { type PrivateKey, type PublicKey, parsePrivateKey, parsePublicKey } from '../core/wireguard-key.ts';

/** PKCS #8 of an X25519 key up to its 32 bytes (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Makes a new private key, as `wg genkey` does. */
export function generatePrivateKey(): PrivateKey {
  return parsePrivateKey(randomBytes(32).toString('base64'));
}

/** The public key that belongs to a private key, as `wg pubkey` prints it. */
export function publicKeyOf(privateKey: PrivateKey): PublicKey {
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(privateKey, 'base64')]);
  const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  });
  return parsePublicKey(Buffer.from(x, 'base64url').toString('base64'));
}
