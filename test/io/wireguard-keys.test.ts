import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parsePrivateKey, parsePublicKey } from '../../src/lib/core/wireguard-key.ts';
import { generatePrivateKey, publicKeyOf } from '../../src/lib/io/wireguard-keys.ts';

/** RFC 7748 §6.1: the private and public keys of Alice and of Bob. */
const VECTORS = [
  [
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  ],
  [
    '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  ],
] as const;

/** CI installs wireguard-tools and sets CI: there the comparison runs, and fails when `wg` is missing. */
const comparesWithWg = process.env.CI !== undefined || spawnSync('wg', ['--version']).error === undefined;

describe('publicKeyOf', () => {
  it.each(VECTORS)('of %s is the one in RFC 7748', (privateHex, publicHex) => {
    const privateKey = parsePrivateKey(Buffer.from(privateHex, 'hex').toString('base64'));
    expect(Buffer.from(publicKeyOf(privateKey), 'base64').toString('hex')).toBe(publicHex);
  });

  it.runIf(comparesWithWg)(
    'equals what wg pubkey prints, for the key as it was and as it was clamped',
    () => {
      for (let round = 0; round < 25; round += 1) {
        const raw = randomBytes(32).toString('base64');
        const key = parsePrivateKey(raw);
        expect(wg('pubkey', raw)).toBe(publicKeyOf(key));
        expect(wg('pubkey', key)).toBe(publicKeyOf(key));
      }
    },
  );
});

describe('generatePrivateKey', () => {
  it('makes a new, clamped key each time', () => {
    const keys = Array.from({ length: 100 }, generatePrivateKey);
    expect(new Set(keys).size).toBe(100);
    for (const key of keys) expect(parsePrivateKey(key)).toBe(key);
  });

  it.runIf(comparesWithWg)('makes keys of the form that wg genkey makes', () => {
    const key = wg('genkey', '');
    expect(parsePrivateKey(key)).toBe(key);
    expect(parsePublicKey(wg('pubkey', generatePrivateKey()))).toHaveLength(44);
  });
});

function wg(command: 'genkey' | 'pubkey', input: string): string {
  const { stdout, error } = spawnSync('wg', [command], { input, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return stdout.trim();
}
