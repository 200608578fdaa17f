import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import {
  nextInterfaceName,
  nextListenPort,
  parseInterfaceName,
  parseListenPort,
} from '../../src/lib/core/interface-name.ts';
import { CASES } from '../support/property.ts';
import { refusalOf } from '../support/refusal.ts';

const LABEL_63 = 'a'.repeat(63);

describe('parseHostname', () => {
  it.each([
    ['vpn-1.example.net', 'vpn-1.example.net'],
    ['VPN-1.Example.NET.', 'vpn-1.example.net'],
    ['1and1.com', '1and1.com'],
    ['3.example', '3.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${LABEL_63}.net`, `${LABEL_63}.net`],
    [`${`${LABEL_63}.`.repeat(3)}${'b'.repeat(61)}.`, `${`${LABEL_63}.`.repeat(3)}${'b'.repeat(61)}`],
  ])('reads %s as %s', (text, name) => {
    expect(parseHostname(text)).toBe(name);
  });

  it.each([
    ['vpnhost', 'one label'],
    ['vpnhost.', 'one label'],
    ['localhost', 'one label'],
    ['', 'each label'],
    ['.', 'each label'],
    ['vpn..example.net', 'each label'],
    ['.example.net', 'each label'],
    ['example.net..', 'each label'],
    ['-vpn.example.net', 'each label'],
    ['vpn-.example.net', 'each label'],
    ['vpn_1.example.net', 'each label'],
    ['vpn 1.example.net', 'each label'],
    ['vpn.example.net\n', 'each label'],
    ['bücher.example', 'each label'],
    ['\u212Aelvin.example', 'each label'],
    [`${'a'.repeat(64)}.net`, 'each label'],
    [`${`${LABEL_63}.`.repeat(3)}${'b'.repeat(62)}`, 'longer than 253'],
    ['192.0.2.1', 'address'],
    ['192.0.2.1.', 'address'],
    ['2001:db8::1', 'address'],
    ['[2001:db8::1]', 'address'],
    ['vpn.example.net:51820', 'address'],
    ['51820', 'address'],
    ['vpn.example.7', 'last label is a number'],
  ])('refuses %j: %s', (text, rule) => {
    const refusal = refusalOf(() => parseHostname(text));
    expect(refusal.code).toBe('INVALID_HOSTNAME');
    expect(refusal.message).toContain(rule);
  });

  it('makes a name that reads as itself, or a refusal, of every text', () => {
    const text = fc.oneof(fc.string(), fc.domain(), fc.stringMatching(/^[A-Za-z0-9.:_-]{0,20}$/));
    fc.assert(
      fc.property(text, (any) => {
        try {
          const name = parseHostname(any);
          expect(name).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
          expect(parseHostname(name)).toBe(name);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: CASES },
    );
  });
});

describe('interface names', () => {
  it.each(['wg0', 'a', 'vpn-2a0ae5c1200', 'x'.repeat(15), 'wg_0=+.-', '0', '...'])('takes %s', (text) => {
    expect(parseInterfaceName(text)).toBe(text);
  });

  it.each([
    '',
    'x'.repeat(16),
    'wg/0',
    'wg 0',
    'wg:0',
    'wg0\n',
    'wg%d',
    'wgé',
    '.',
    '..',
    '-wg',
    'lo',
    'all',
  ])('refuses %j', (text) => {
    expect(refusalOf(() => parseInterfaceName(text)).code).toBe('INVALID_INTERFACE_NAME');
  });

  it('come in order, the first free one', () => {
    expect(nextInterfaceName([])).toBe('wg0');
    expect(nextInterfaceName(['wg0', 'wg2', 'tunnel'])).toBe('wg1');
    expect(parseInterfaceName(nextInterfaceName(Array.from({ length: 1000 }, (_, n) => `wg${n}`)))).toBe(
      'wg1000',
    );
  });
});

describe('listen ports', () => {
  it.each([
    ['1', 1],
    ['51820', 51_820],
    ['65535', 65_535],
  ])('takes %s', (text, port) => {
    expect(parseListenPort(text)).toBe(port);
  });

  it.each(['0', '65536', '051820', '-1', '+1', '1e3', '0x10', '', ' 1', '51820\n', '5182.0'])(
    'refuses %j',
    (text) => {
      expect(refusalOf(() => parseListenPort(text)).code).toBe('INVALID_PORT');
    },
  );

  it('come in order from 51820, the first free one', () => {
    expect(nextListenPort([])).toBe(51_820);
    expect(nextListenPort([51_821, 51_820, 80])).toBe(51_822);
  });

  it('end at 65535', () => {
    const all = Array.from({ length: 65_536 - 51_820 }, (_, n) => 51_820 + n);
    expect(nextListenPort(all.slice(0, -1))).toBe(65_535);
    expect(refusalOf(() => nextListenPort(all)).code).toBe('NO_FREE_PORT');
  });
});
