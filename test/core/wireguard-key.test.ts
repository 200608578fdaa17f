import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePrivateKey, parsePublicKey } from '../../src/lib/core/wireguard-key.ts';
import { CASES } from '../support/property.ts';
import { refusalOf } from '../support/refusal.ts';

const ZEROS = Buffer.alloc(32).toString('base64');
const GOOD = 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=';

/** 32 bytes, little-endian, as the curve writes its coordinates. */
function base64Of(value: bigint): string {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse().toString('base64');
}

/** OpenSSL refuses to derive a secret that is zero for every private key. */
function opensslCallsItWeak(publicKey: string): boolean {
  const head = Buffer.from('302a300506032b656e032100', 'hex');
  const key = createPublicKey({
    key: Buffer.concat([head, Buffer.from(publicKey, 'base64')]),
    format: 'der',
    type: 'spki',
  });
  const own = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.alloc(32, 7)]);
  try {
    diffieHellman({
      privateKey: createPrivateKey({ key: own, format: 'der', type: 'pkcs8' }),
      publicKey: key,
    });
    return false;
  } catch {
    return true;
  }
}

describe('canonical base64', () => {
  const text = fc.oneof(
    fc.uint8Array({ minLength: 30, maxLength: 34 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    fc.stringMatching(/^[A-Za-z0-9+/=_\n-]{43,45}$/),
    fc.string(),
  );

  it('is exactly what Node encodes 32 bytes to', () => {
    fc.assert(
      fc.property(text, (any) => {
        const bytes = Buffer.from(any, 'base64');
        const canonical = bytes.length === 32 && bytes.toString('base64') === any;
        if (canonical) expect(parsePublicKey(any)).toBe(any);
        else expect(refusalOf(() => parsePublicKey(any)).code).toBe('INVALID_KEY');
      }),
      { numRuns: CASES },
    );
  });

  it.each([
    [GOOD.slice(1), 'its length is 43 and'],
    [`${GOOD}\n`, 'its length is 45 and'],
    ['', 'its length is 0 and'],
    [`${GOOD.slice(0, 42)}p=`, 'not canonical'],
    [GOOD.replace('/', '_'), 'not base64'],
    [`${GOOD.slice(0, 42)}==`, 'not base64'],
  ])('names the rule for %j', (any, rule) => {
    expect(refusalOf(() => parsePublicKey(any)).message).toContain(rule);
    expect(refusalOf(() => parsePrivateKey(any)).message).toContain(rule);
  });

  it('never repeats what was typed, for it may be a private key', () => {
    const nearly = fc
      .tuple(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 0, max: 43 }),
        fc.constantFrom('', '!', '=='),
      )
      .map(([bytes, at, text]) => {
        const key = Buffer.from(bytes).toString('base64');
        return key.slice(0, at) + text + key.slice(at + 1);
      });
    fc.assert(
      fc.property(nearly, (any) => {
        for (const parse of [parsePublicKey, parsePrivateKey]) {
          const refusal = refusalOf(() => parse(any));
          const shown = JSON.stringify({ ...refusal, message: refusal.message, stack: refusal.stack });
          for (let at = 0; at + 10 <= any.length; at += 1)
            expect(shown.includes(any.slice(at, at + 10))).toBe(false);
        }
      }),
      { numRuns: CASES / 100 },
    );
  });
});

describe('weak public keys', () => {
  const p = 2n ** 255n - 19n;
  const orderEight = [
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ];
  const weak = [0n, 1n, ...orderEight, p - 1n, p, p + 1n].flatMap((u) => [u, u + 2n ** 255n]).map(base64Of);

  it.each(weak)('%s is refused', (text) => {
    expect(opensslCallsItWeak(text)).toBe(true);
    expect(refusalOf(() => parsePublicKey(text)).code).toBe('WEAK_KEY');
  });

  it('are all that OpenSSL refuses around the multiples of p', () => {
    for (const around of [0n, p, 2n ** 255n, 2n ** 255n + p, 2n ** 256n - 1n]) {
      for (let step = -40n; step <= 40n; step += 1n) {
        const u = around + step;
        if (u < 0n || u >= 2n ** 256n) continue;
        expect(weak.includes(base64Of(u)), String(u)).toBe(opensslCallsItWeak(base64Of(u)));
      }
    }
  });

  it('are as rare as they should be', () => {
    expect(parsePublicKey(base64Of(9n))).toBe(base64Of(9n));
    expect(parsePublicKey(GOOD)).toBe(GOOD);
  });
});

describe('private keys', () => {
  it('of zeros mean “no key” to WireGuard and are refused', () => {
    expect(refusalOf(() => parsePrivateKey(ZEROS)).code).toBe('WEAK_KEY');
  });

  it('are clamped as RFC 7748 says, once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        fc.pre(bytes.some((byte) => byte !== 0));
        const key = parsePrivateKey(Buffer.from(bytes).toString('base64'));
        const clamped = Buffer.from(bytes);
        clamped.writeUInt8(clamped.readUInt8(0) & 0b1111_1000, 0);
        clamped.writeUInt8((clamped.readUInt8(31) & 0b0111_1111) | 0b0100_0000, 31);
        expect(Buffer.from(key, 'base64')).toEqual(clamped);
        expect(parsePrivateKey(key)).toBe(key);
      }),
      { numRuns: CASES },
    );
  });
});
