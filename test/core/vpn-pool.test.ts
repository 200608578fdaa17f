import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import { formatPrefix, slotCount } from '../../src/lib/core/prefix.ts';
import {
  afterChoice,
  checkPool,
  chooseSlots,
  freeOfSize,
  type PoolPlace,
  type PoolRoom,
  placePool,
} from '../../src/lib/core/vpn-pool.ts';
import { CASES } from '../support/property.ts';
import { refusalOf } from '../support/refusal.ts';

/** A pool of 256 networks of /48 unless said otherwise. */
function room(id: number, nextSlot: number, used: number, text?: string, subnetworkSize = 48): PoolRoom {
  const prefix = parsePrefix(text ?? `2a0a:e5c1:${id}00::/40`);
  return { id, prefix, subnetworkSize, nextSlot: BigInt(nextSlot), used: BigInt(used) };
}

const choose = (pools: PoolRoom[], count: number, size: number | null = null, poolId: number | null = null) =>
  chooseSlots(pools, { count, size, poolId }).map(({ pool, fresh, released }) => [pool.id, fresh, released]);

describe('checkPool', () => {
  it.each([
    ['2a0a:e5c1:200::/40', 48, 256n],
    ['fd00::/8', 48, 2n ** 40n],
    ['2000::/3', 65, 2n ** 62n],
    ['2001:db8::/32', 32, 1n],
  ])('%s in /%i holds %s networks', (text, size, count) => {
    expect(checkPool(parsePrefix(text), size)).toBe(count);
  });

  it.each([
    '::/0',
    '::/1',
    '::/8',
    '::1/128',
    '::ffff:0:0/96',
    'fe80::/10',
    'fe80::/64',
    'fe00::/7',
    'ff02::/16',
    '8000::/1',
  ])('refuses %s, which would catch addresses that are no clients’', (text) => {
    expect(refusalOf(() => checkPool(parsePrefix(text), 48)).code).toBe('POOL_NOT_UNICAST');
  });

  it('refuses networks larger than the pool', () => {
    expect(refusalOf(() => checkPool(parsePrefix('2a0a:e5c1:200::/40'), 39)).code).toBe('SIZE_OUTSIDE_POOL');
  });
});

describe('placePool', () => {
  const hostname = parseHostname('vpn-1.example.net');
  const served = (id: number, text: string, name: string, port: string, host = hostname) => ({
    id,
    prefix: parsePrefix(text),
    hostname: host,
    interface: parseInterfaceName(name),
    listenPort: parseListenPort(port),
  });
  const pools = [
    served(1, '2a0a:e5c1:200::/40', 'wg0', '51820'),
    served(2, '2a0a:e5c1:300::/40', 'wg2', '51821'),
    served(3, '2a0a:e5c1:400::/40', 'wg1', '51822', parseHostname('vpn-2.example.net')),
  ];
  const place = (text: string, asked: Partial<PoolPlace> = {}) =>
    placePool(pools, { prefix: parsePrefix(text), hostname, interface: null, listenPort: null, ...asked });

  it('takes the next interface and port that are free on the host', () => {
    expect(place('2a0a:e5c1:500::/40')).toMatchObject({ interface: 'wg1', listenPort: 51822 });
  });

  it('takes what is asked for', () => {
    const asked = { interface: parseInterfaceName('clients'), listenPort: parseListenPort('443') };
    expect(place('2a0a:e5c1:500::/40', asked)).toMatchObject(asked);
  });

  it.each(['2a0a:e5c1:300::/40', '2a0a:e5c1:380::/41', '2a0a:e5c1::/32'])(
    'refuses %s, naming the pool',
    (text) => {
      const refusal = refusalOf(() => place(text));
      expect(refusal.code).toBe('POOL_OVERLAPS');
      expect(refusal.data).toMatchObject({ pool_id: text === '2a0a:e5c1::/32' ? 1 : 2 });
    },
  );

  it('refuses an interface or a port of another pool of the host, naming the next free one', () => {
    expect(
      refusalOf(() => place('2a0a:e5c1:500::/40', { interface: parseInterfaceName('wg2') })),
    ).toMatchObject({
      code: 'INTERFACE_TAKEN',
      data: { pool_id: 2, free: 'wg1' },
    });
    expect(
      refusalOf(() => place('2a0a:e5c1:500::/40', { listenPort: parseListenPort('51820') })),
    ).toMatchObject({
      code: 'PORT_TAKEN',
      data: { pool_id: 1, free: 51822 },
    });
  });
});

describe('afterChoice', () => {
  it('has the pools as they are when what was chosen is lent', () => {
    const pools = [room(1, 250, 240), room(2, 256, 256), room(3, 7, 5)];
    const after = afterChoice(pools, chooseSlots(pools, { count: 20, size: null, poolId: null }));
    expect(after).toEqual([room(1, 256, 256), room(2, 256, 256), room(3, 11, 9)]);
    expect(freeOfSize(pools, 48)).toBe(16n + 251n);
    expect(freeOfSize(after, 48)).toBe(247n);
    expect(freeOfSize(after, 56)).toBe(0n);
  });
});

describe('chooseSlots', () => {
  it('takes slots never lent before, then released ones', () => {
    expect(choose([room(1, 10, 5)], 1)).toEqual([[1, 1, 0]]);
    expect(choose([room(1, 254, 250)], 4)).toEqual([[1, 2, 2]]);
    expect(choose([room(1, 256, 250)], 6)).toEqual([[1, 0, 6]]);
  });

  it('fills the fullest pool that has room, then the next', () => {
    expect(choose([room(1, 3, 3), room(2, 200, 200), room(3, 256, 256)], 60)).toEqual([
      [2, 56, 0],
      [1, 4, 0],
    ]);
  });

  it('measures fullness by share, and takes the older of equals', () => {
    const large = room(4, 60_000, 60_000, '2a0b:e500::/32');
    expect(choose([room(1, 200, 200), large], 1)).toEqual([[4, 1, 0]]);
    expect(choose([large, room(1, 250, 250)], 1)).toEqual([[1, 1, 0]]);
    expect(choose([room(2, 7, 7), room(1, 7, 7)], 1)).toEqual([[1, 1, 0]]);
  });

  it('looks at pools of the size only: /48 unless asked, the pool’s own when it is named', () => {
    const other = room(5, 0, 0, '2a0a:e5c1:500::/40', 56);
    expect(choose([other, room(1, 0, 0)], 1)).toEqual([[1, 1, 0]]);
    expect(choose([other, room(1, 0, 0)], 1, 56)).toEqual([[5, 1, 0]]);
    expect(choose([other, room(1, 0, 0)], 1, null, 5)).toEqual([[5, 1, 0]]);
  });

  it('refuses a pool that is not there', () => {
    expect(refusalOf(() => choose([room(1, 0, 0)], 1, null, 9)).code).toBe('UNKNOWN_POOL');
  });

  it('refuses a size that no pool, or not the named one, hands out, and names those on offer', () => {
    const pools = [room(1, 0, 0), room(5, 0, 0, '2a0a:e5c1:500::/40', 56), room(2, 0, 0)];
    expect(refusalOf(() => choose(pools, 1, 64))).toMatchObject({
      code: 'NO_POOL_OF_SIZE',
      data: { sizes: [48, 56] },
    });
    expect(refusalOf(() => choose(pools, 1, 56, 1))).toMatchObject({
      code: 'NO_POOL_OF_SIZE',
      data: { sizes: [48] },
    });
    expect(refusalOf(() => choose([], 1)).hint).toContain('uncloud vpn pool create');
  });

  it('refuses all when not all can be had, and names what is free elsewhere', () => {
    const pools = [
      room(1, 256, 254),
      room(2, 256, 256),
      room(5, 0, 0, '2a0a:e5c1:500::/40', 56),
      room(6, 1, 1, '2a0a:e5c1:600::/40', 40),
    ];
    const refusal = refusalOf(() => choose(pools, 3));
    expect(refusal).toMatchObject({
      code: 'POOL_FULL',
      data: { free: '2', elsewhere: [{ pool_id: 5, size: 56, free: '65536' }] },
    });
    expect(refusal.hint).toContain('65536 /56 (--pool 5 --size 56)');
    expect(refusalOf(() => choose(pools, 1, null, 2))).toMatchObject({
      code: 'POOL_FULL',
      data: { free: '0', elsewhere: [{ pool_id: 1, size: 48, free: '2' }, { pool_id: 5 }] },
    });
  });

  it('gives exactly what is asked for, never more than a pool has, or refuses', () => {
    const pool = fc
      .tuple(fc.integer({ min: 44, max: 48 }), fc.nat(16), fc.nat(16))
      .map(([length, lent, returned]) => {
        const capacity = 2 ** (48 - length);
        const nextSlot = Math.min(lent, capacity);
        return { length, nextSlot, used: nextSlot - Math.min(returned, nextSlot) };
      });
    fc.assert(
      fc.property(fc.array(pool, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (shapes, count) => {
        const pools = shapes.map(({ length, nextSlot, used }, at) =>
          room(at + 1, nextSlot, used, `2a0a:${at + 1}::/${length}`),
        );
        const free = (any: PoolRoom) => Number(slotCount(any.prefix, 48) - any.used);
        const total = pools.reduce((sum, any) => sum + free(any), 0);
        if (pools.length === 0 || count > total) {
          expect(['POOL_FULL', 'NO_POOL_OF_SIZE']).toContain(refusalOf(() => choose(pools, count)).code);
          return;
        }
        const choices = chooseSlots(pools, { count, size: null, poolId: null });
        expect(choices.reduce((sum, { fresh, released }) => sum + fresh + released, 0)).toBe(count);
        choices.forEach(({ pool: chosen, fresh, released }, at) => {
          const neverLent = Number(slotCount(chosen.prefix, 48) - chosen.nextSlot);
          expect(fresh).toBeLessThanOrEqual(neverLent);
          expect(released).toBeLessThanOrEqual(Number(chosen.nextSlot - chosen.used));
          if (released > 0) expect(fresh).toBe(neverLent);
          if (at < choices.length - 1)
            expect(fresh + released, formatPrefix(chosen.prefix)).toBe(free(chosen));
        });
        expect(new Set(choices.map(({ pool: chosen }) => chosen.id)).size).toBe(choices.length);
      }),
      { numRuns: CASES / 20 },
    );
  });
});
