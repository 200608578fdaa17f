import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import {
  contains,
  firstAddressHex,
  formatAddress,
  formatPrefix,
  lastAddressHex,
  overlaps,
  type Prefix,
  prefixOf,
  readPrefix,
  slotCount,
  slotFormatter,
  slotOf,
  slotPrefix,
} from '../../src/lib/core/prefix.ts';
import { anyAddress, anyPoolSlot, anyPrefix, cut } from '../support/arbitrary-prefix.ts';
import { CASES } from '../support/property.ts';
import { refusalOf } from '../support/refusal.ts';

const numRuns = CASES;

describe('the pool of the manual', () => {
  const pool = parsePrefix('2a0a:e5c1:200::/40');

  it('holds 256 networks of /48', () => {
    expect(slotCount(pool, 48)).toBe(256n);
  });

  it.each([
    [0n, '2a0a:e5c1:200::/48'],
    [1n, '2a0a:e5c1:201::/48'],
    [5n, '2a0a:e5c1:205::/48'],
    [255n, '2a0a:e5c1:2ff::/48'],
  ])('has in slot %s the network %s', (slot, text) => {
    const network = slotPrefix(pool, 48, slot);
    expect(formatPrefix(network)).toBe(text);
    expect(slotFormatter(pool, 48)(Number(slot))).toBe(text);
    expect(slotOf(pool, 48, network)).toBe(slot);
  });

  it('has addresses that compare as text', () => {
    expect(firstAddressHex(pool)).toBe('2a0ae5c1020000000000000000000000');
    expect(lastAddressHex(pool)).toBe('2a0ae5c102ffffffffffffffffffffff');
  });

  it('has no slot 256 and no slot -1', () => {
    expect(() => slotPrefix(pool, 48, 256n)).toThrow(RangeError);
    expect(() => slotPrefix(pool, 48, -1n)).toThrow(RangeError);
    expect([256, -1, 0.5, Number.NaN].map(slotFormatter(pool, 48))).toEqual([null, null, null, null]);
  });

  it.each(['2a0a:e5c1:300::/48', '2a0a:e5c1:200::/49', '2a0a:e5c1:200::/40'])(
    'does not have %s as a slot of /48',
    (text) => {
      expect(slotOf(pool, 48, parsePrefix(text))).toBeNull();
    },
  );
});

describe('slotCount', () => {
  it('reaches 2^62 and refuses more', () => {
    expect(slotCount(parsePrefix('2000::/3'), 65)).toBe(2n ** 62n);
    expect(refusalOf(() => slotCount(parsePrefix('2000::/3'), 66)).code).toBe('SIZE_OUTSIDE_POOL');
  });

  it('is 1 for a pool of its own size', () => {
    expect(slotCount(parsePrefix('2001:db8::1/128'), 128)).toBe(1n);
  });

  it.each([39, 129, 48.5, Number.NaN])('refuses a size of %s in a /40, naming the sizes that fit', (size) => {
    const refusal = refusalOf(() => slotCount(parsePrefix('2a0a:e5c1:200::/40'), size));
    expect(refusal).toMatchObject({ code: 'SIZE_OUTSIDE_POOL', data: { shortest: 40, longest: 102 } });
  });
});

describe('parsePrefix', () => {
  it.each([
    ['2A0A:E5C1:0200:0000::/40', '2a0a:e5c1:200::/40'],
    ['::/0', '::/0'],
    ['::1/128', '::1/128'],
    ['2001:db8:0:0:1:0:0:1/128', '2001:db8::1:0:0:1/128'],
    ['2001:db8:0:1:1:1:1:1/128', '2001:db8:0:1:1:1:1:1/128'],
    ['2001:db8::1:1:1:1:1/128', '2001:db8:0:1:1:1:1:1/128'],
    ['1:2:3:4:5:6:7::/128', '1:2:3:4:5:6:7:0/128'],
    ['::ffff:192.0.2.1/128', '::ffff:c000:201/128'],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255/128', '::ffff:ffff:ffff/128'],
  ])('reads %s as %s', (text, canonical) => {
    expect(formatPrefix(parsePrefix(text))).toBe(canonical);
  });

  it.each([
    ['2a0a:e5c1:200::1/40', '2a0a:e5c1:200::/40'],
    ['2a0a:e5c1:205::/40', '2a0a:e5c1:200::/40'],
    ['::1/0', '::/0'],
  ])('refuses the host bits of %s and says to type %s', (text, meant) => {
    const refusal = refusalOf(() => parsePrefix(text));
    expect(refusal).toMatchObject({ code: 'HOST_BITS_SET', data: { prefix: meant } });
    expect(refusal.hint).toContain(meant);
  });

  it.each([
    ['', 'length is missing'],
    ['2a0a:e5c1:200::', 'length is missing'],
    ['2a0a:e5c1:200::/', 'whole number'],
    ['2a0a:e5c1:200::/040', 'whole number'],
    ['2a0a:e5c1:200::/+40', 'whole number'],
    ['2a0a:e5c1:200::/40 ', 'whole number'],
    ['2a0a:e5c1:200::/4e1', 'whole number'],
    ['2a0a:e5c1:200::/129', 'whole number'],
    ['2a0a:e5c1:200::/-1', 'whole number'],
    ['2a0a:e5c1:200::/40/40', 'whole number'],
    ['2a0a:e5c1:200::/ffff:ff00::', 'whole number'],
    ['10.0.0.0/8', 'IPv4'],
    ['192.0.2.1', 'IPv4'],
    ['fe80::%eth0/64', 'zone id'],
    ['fe80::/64%eth0', 'zone id'],
    ['/40', 'no IPv6 address'],
    [' ::/0', 'no IPv6 address'],
    ['2a0a:e5c1:200::\n/40', 'no IPv6 address'],
    ['2a0a::e5c1::200/40', 'no IPv6 address'],
    ['12345::/16', 'no IPv6 address'],
    ['1:2:3:4:5:6:7:8:9/128', 'no IPv6 address'],
    ['[2a0a::]/16', 'no IPv6 address'],
    ['::ffff:192.0.2.01/128', 'no IPv6 address'],
    ['vpn.example.net/40', 'no IPv6 address'],
    [`${'0'.repeat(100_000)}::/16`, 'no IPv6 address'],
  ])('refuses %j: %s', (text, rule) => {
    const refusal = refusalOf(() => parsePrefix(text));
    expect(refusal.code).toBe('INVALID_PREFIX');
    expect(refusal.message).toContain(rule);
  });

  it('takes the addresses that the URL parser of Node takes, and means the same', () => {
    const nearly = fc
      .tuple(
        fc.ipV6(),
        fc.nat(39),
        fc.constantFrom('', ':', '::', '0', '.', 'F', 'g', '1.2.3.4'),
        fc.boolean(),
      )
      .map(([address, at, text, whole]) =>
        whole ? address : address.slice(0, at) + text + address.slice(at + 1),
      );
    fc.assert(
      fc.property(fc.oneof(nearly, fc.stringMatching(/^[0-9a-fA-F:.]{0,20}$/)), (address) => {
        const known = addressAsUrl(address);
        if (known === null)
          expect(refusalOf(() => parsePrefix(`${address}/128`)).code).toBe('INVALID_PREFIX');
        else expect(formatPrefix(parsePrefix(`${address}/128`))).toBe(`${known}/128`);
      }),
      { numRuns },
    );
  });

  it('refuses any other text, and never breaks', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(refusalOf(() => parsePrefix(`x${text}`)).code).toBe('INVALID_PREFIX');
      }),
      { numRuns },
    );
  });
});

describe('text of prefixes', () => {
  it('is what ipaddr.js writes for RFC 5952', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        const bytes = [...Buffer.from(address.toString(16).padStart(32, '0'), 'hex')];
        expect(formatAddress(address)).toBe(asHexadecimal(ipaddr.fromByteArray(bytes)));
      }),
      { numRuns },
    );
  });

  it('comes back through both readers', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const text = formatPrefix(prefix);
        expect(parsePrefix(text)).toEqual(prefix);
        expect(readPrefix(text)).toEqual(prefix);
      }),
      { numRuns },
    );
  });

  it('is read back only in its canonical form', () => {
    const nearly = fc.oneof(
      fc
        .tuple(anyPrefix, fc.nat(50), fc.constantFrom('', '0', ':', '::', 'F', '/', ' ', '\n', '1'))
        .map(([prefix, at, text]) => {
          const whole = formatPrefix(prefix);
          return whole.slice(0, at) + text + whole.slice(at + 1);
        }),
      fc.stringMatching(/^[0-9a-f:]{0,12}\/[0-9]{0,3}$/),
      fc.string(),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        const prefix = readPrefix(text);
        if (prefix !== null) expect(formatPrefix(parsePrefix(text))).toBe(text);
      }),
      { numRuns },
    );
  });

  it.each([
    '2a0a:e5c1:200::/040',
    '2A0A::/16',
    '2a0a:0::/16',
    '::1/0',
    '::/129',
    '0:0:0:0:0:0:0:0/0',
    '',
    '::',
  ])('readPrefix has no answer for %j', (text) => {
    expect(readPrefix(text)).toBeNull();
  });
});

describe('arithmetic of prefixes', () => {
  const pair = fc.oneof(
    fc.tuple(anyPrefix, anyPrefix),
    fc
      .tuple(
        anyAddress,
        fc.integer({ min: 0, max: 128 }),
        fc.integer({ min: 0, max: 128 }),
        fc.bigInt(0n, 3n),
      )
      .map(([address, one, other, step]) => [cut(address, one), cut(address ^ step, other)] as const),
  );

  it('agrees with ipaddr.js on what contains what', () => {
    fc.assert(
      fc.property(pair, ([outer, inner]) => {
        const [address, length] = ipaddr.IPv6.parseCIDR(formatPrefix(outer));
        const inside = ipaddr.IPv6.parse(formatAddress(inner.address)).match(address, length);
        expect(contains(outer, inner)).toBe(inside && inner.length >= outer.length);
      }),
      { numRuns },
    );
  });

  it('finds the same overlaps by comparing hexadecimal text', () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const byText =
          firstAddressHex(one) <= lastAddressHex(other) && firstAddressHex(other) <= lastAddressHex(one);
        expect(overlaps(one, other)).toBe(byText);
        expect(overlaps(other, one)).toBe(byText);
      }),
      { numRuns },
    );
  });

  it('puts every slot into its pool, next to its neighbour, and finds it again', () => {
    fc.assert(
      fc.property(anyPoolSlot, ({ pool, size, slot }) => {
        const network = slotPrefix(pool, size, slot);
        expect(network.length).toBe(size);
        expect(contains(pool, network)).toBe(true);
        expect(slotOf(pool, size, network)).toBe(slot);
        const before = slot === 0n ? firstAddressHex(pool) : nextHex(slotPrefix(pool, size, slot - 1n));
        expect(firstAddressHex(network)).toBe(before);
        if (slot === slotCount(pool, size) - 1n) expect(lastAddressHex(network)).toBe(lastAddressHex(pool));
      }),
      { numRuns },
    );
  });

  it('is written from its slot as from its address', () => {
    fc.assert(
      fc.property(anyPoolSlot, ({ pool, size, slot }) => {
        const small = slot % 2n ** 53n;
        expect(slotFormatter(pool, size)(Number(small))).toBe(formatPrefix(slotPrefix(pool, size, small)));
      }),
      { numRuns },
    );
  });

  it('is never made of wrong numbers', () => {
    for (const [address, length] of [
      [1n, 127],
      [0n, 129],
      [0n, -1],
      [0n, 1.5],
      [-1n, 128],
      [1n << 128n, 0],
    ] as const) {
      expect(() => prefixOf(address, length)).toThrow(RangeError);
    }
  });
});

/** ipaddr.js writes RFC 5952; the wrapper exists because its types are a union with IPv4. */
function asHexadecimal(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (!(address instanceof ipaddr.IPv6)) throw new Error('IPv4');
  return address.toRFC5952String();
}

/** The address as WHATWG URLs write it, which is RFC 5952 without dots; null when it is none. */
function addressAsUrl(address: string): string | null {
  try {
    return new URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}

function nextHex(prefix: Prefix): string {
  return (BigInt(`0x${lastAddressHex(prefix)}`) + 1n).toString(16).padStart(32, '0');
}
