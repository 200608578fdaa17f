import { describe, expect, it } from 'vitest';
import { drawUsage } from '../../src/lib/cli/usage-map.ts';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';

const pool = (prefix: string, subnetworkSize = 48) => ({ prefix: parsePrefix(prefix), subnetworkSize });
const range = (start: number, end: number) =>
  Array.from({ length: end - start }, (_, at) => BigInt(start + at));

const POOL_256 = pool('2a0a:e5c1:200::/40');
const USED = [...range(0, 34), 255n];

describe('drawUsage', () => {
  it('draws a cell for each network, in rows that fit 80 columns', () => {
    expect(drawUsage(POOL_256, USED, { width: 80, plain: true })).toBe(
      `2a0a:e5c1:200::  ################ ################
2a0a:e5c1:220::  ##.............. ................
2a0a:e5c1:240::  ................ ................
2a0a:e5c1:260::  ................ ................
2a0a:e5c1:280::  ................ ................
2a0a:e5c1:2a0::  ................ ................
2a0a:e5c1:2c0::  ................ ................
2a0a:e5c1:2e0::  ................ ...............#
Each cell is a /48: # used, . free`,
    );
  });

  it('makes longer rows of 200 columns', () => {
    const full = '#'.repeat(16);
    const free = '.'.repeat(16);
    expect(drawUsage(POOL_256, USED, { width: 200, plain: true })).toBe(
      `2a0a:e5c1:200::  ${full} ${full} ##.............. ${free} ${free} ${free} ${free} ${free}
2a0a:e5c1:280::  ${free} ${free} ${free} ${free} ${free} ${free} ${free} ...............#
Each cell is a /48: # used, . free`,
    );
  });

  it('draws blocks in colour on a terminal', () => {
    expect(drawUsage(pool('2001:db8::/46'), [0n, 3n], { width: 80, plain: false })).toBe(
      '2001:db8::  \u001b[32m█\u001b[0m\u001b[2m··\u001b[0m\u001b[32m█\u001b[0m\nEach cell is a /48: █ used, · free',
    );
  });

  it('shades cells of many networks by their used share', () => {
    // 512 cells of 128 networks: the first full, then 127, 64, 43, 42, 1 and none of them.
    const used = [128, 127, 64, 43, 42, 1].flatMap((count, cell) => range(cell * 128, cell * 128 + count));
    const [first, , ...rest] = drawUsage(pool('2001:db8::/32'), used, { width: 80, plain: true }).split('\n');
    expect(first).toBe('2001:db8::       #*++--.......... ................');
    expect(rest.at(-2)).toBe('2001:db8:f000::  ................ ................');
    expect(rest.at(-1)).toBe(
      'Each cell is a /41 of 128 networks; used: . none, - few, + some, * most, # all',
    );
  });

  it('fits every width with every pool, and begins every row at an address of the pool', () => {
    for (const drawn of [
      POOL_256,
      pool('2001:db8::/32'),
      pool('2001:db8:1:2:3:4:5:0/112', 128),
      pool('2001:db8::/48', 110),
      pool('2001:db8::/48'),
    ]) {
      for (const width of [44, 60, 80, 120, 200, 400]) {
        const lines = drawUsage(drawn, [0n], { width, plain: true }).split('\n');
        const rows = lines.slice(0, -1);
        expect(lines.at(-1)?.length).toBeLessThanOrEqual(80);
        expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(width);
        expect(rows.length).toBeLessThanOrEqual(16);
        expect(rows[0]).toMatch(/^\S+ {2,}[#-]/);
        expect(new Set(rows.map((row) => row.slice(row.indexOf('  ')).trim().length)).size).toBe(1);
      }
    }
  });
});
