import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { type ListenPort, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import { formatPrefix, readPrefix, slotPrefix } from '../../src/lib/core/prefix.ts';
import {
  parseWireguardConfig,
  renderClientConfig,
  renderWireguardConfig,
  type WireguardConfig,
} from '../../src/lib/core/wireguard-config.ts';
import { parsePrivateKey, parsePublicKey } from '../../src/lib/core/wireguard-key.ts';
import { anyPrefix } from '../support/arbitrary-prefix.ts';
import { CASES } from '../support/property.ts';
import { POOL, testKey } from '../support/served-pool.ts';

const peerIn = (slot: bigint) => ({
  id: Number(slot) + 1,
  publicKey: testKey(Number(slot)),
  network: formatPrefix(slotPrefix(POOL.prefix, 48, slot)),
});

const CONFIG: WireguardConfig = { ...POOL, poolId: POOL.id, peers: [peerIn(0n), peerIn(5n)] };

const TEXT = `# Managed by uncloud vpn --hostname vpn-1.example.net: pool 3, 2a0a:e5c1:200::/40
# The next run overwrites what is changed here.

[Interface]
PrivateKey = cAdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LGo=
ListenPort = 51820

# network 1
[Peer]
PublicKey = AAAAAKWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=
AllowedIPs = 2a0a:e5c1:200::/48

# network 6
[Peer]
PublicKey = BQAAAKWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=
AllowedIPs = 2a0a:e5c1:205::/48
`;

/** What a line would begin with that was put into a value, and what ends a line for somebody. */
const INJECTIONS = [
  '\nPostUp = reboot',
  '\r\n[Peer]\r\nAllowedIPs = ::/0',
  '\n\n[Interface]\nPrivateKey = ',
  ', ::/0',
  ' # ',
  '=',
  '\0',
  '\u2028AllowedIPs = ::/0',
  '\u0085',
  '\uff0f',
  '%wg0',
  '٣',
];

/** Every line that a file may have. */
const LINE =
  /^(|\[(Interface|Peer)\]|# network \d+|PrivateKey = [A-Za-z0-9+/]{43}=|PublicKey = [A-Za-z0-9+/]{43}=|ListenPort = \d{1,5}|AllowedIPs = [0-9a-f:]+\/\d{1,3}|# Managed by uncloud vpn --hostname [a-z0-9.-]+: pool \d+, [0-9a-f:]+\/\d{1,3}|# The next run overwrites what is changed here\.)$/;

/** What the door makes of a text; null when it refuses. */
function passed<T>(door: (text: string) => T, text: string): T | null {
  try {
    return door(text);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

const FOUND = {
  hostname: 'vpn-1.example.net',
  poolId: 3,
  prefix: POOL.prefix,
  privateKey: POOL.privateKey,
  listenPort: '51820',
  peers: new Map([
    [testKey(0), '2a0a:e5c1:200::/48'],
    [testKey(5), '2a0a:e5c1:205::/48'],
  ]),
};

describe('the file of an interface', () => {
  it('is this text, byte for byte', () => {
    expect(renderWireguardConfig(CONFIG)).toBe(TEXT);
    expect(renderWireguardConfig(structuredClone(CONFIG))).toBe(TEXT);
  });

  it('without peers still has its key and port', () => {
    expect(renderWireguardConfig({ ...CONFIG, peers: [] })).toBe(
      TEXT.slice(0, TEXT.indexOf('\n# network 1')),
    );
  });

  it('reads back as what was written', () => {
    expect(parseWireguardConfig(TEXT)).toEqual(FOUND);
  });

  it('reads back as what was written, whatever that was', () => {
    const config = fc.record({
      hostname: fc.constant(POOL.hostname),
      poolId: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
      prefix: anyPrefix,
      privateKey: fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((bytes) => parsePrivateKey(Buffer.from([...bytes.slice(0, 30), 1, 1]).toString('base64'))),
      listenPort: fc.integer({ min: 1, max: 65_535 }).map((port) => port as ListenPort),
      peers: fc.array(
        fc.record({
          id: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
          publicKey: fc.nat().map(testKey),
          network: anyPrefix.map(formatPrefix),
        }),
        { maxLength: 6 },
      ),
    });
    fc.assert(
      fc.property(config, (written) => {
        expect(parseWireguardConfig(renderWireguardConfig(written))).toEqual({
          ...written,
          listenPort: String(written.listenPort),
          peers: new Map(written.peers.map(({ publicKey, network }) => [publicKey, network])),
        });
      }),
      { numRuns: CASES },
    );
  });

  it('holds exactly what passed the doors, whatever was tried at them', () => {
    /** Something that is right, with something put into it that is not, or left as it is. */
    const tried = (right: fc.Arbitrary<string>) =>
      fc
        .tuple(right, fc.oneof(fc.constant(''), fc.constantFrom(...INJECTIONS), fc.string()), fc.nat(60))
        .map(([text, injected, at]) => text.slice(0, at) + injected + text.slice(at));
    const key = fc.nat().map((number): string => testKey(number));
    const attempt = fc.record({
      hostname: tried(fc.constantFrom('vpn-1.example.net', 'VPN-1.Example.NET.', 'a.b')),
      privateKey: tried(key),
      prefix: tried(anyPrefix.map(formatPrefix)),
      listenPort: tried(fc.integer({ min: 0, max: 70_000 }).map(String)),
      peers: fc.array(fc.record({ publicKey: tried(key), network: tried(anyPrefix.map(formatPrefix)) }), {
        maxLength: 3,
      }),
    });
    let held = 0;
    fc.assert(
      fc.property(attempt, (texts) => {
        const pool = {
          hostname: passed(parseHostname, texts.hostname) ?? POOL.hostname,
          privateKey: passed(parsePrivateKey, texts.privateKey) ?? POOL.privateKey,
          prefix: passed(parsePrefix, texts.prefix) ?? POOL.prefix,
          listenPort: passed(parseListenPort, texts.listenPort) ?? POOL.listenPort,
        };
        const peers = texts.peers.flatMap(({ publicKey, network }, at) => {
          const [sound, allowedIps] = [passed(parsePublicKey, publicKey), passed(parsePrefix, network)];
          return sound === null || allowedIps === null
            ? []
            : [{ id: at + 1, publicKey: sound, network: formatPrefix(allowedIps) }];
        });
        held += peers.length;
        const text = renderWireguardConfig({ ...pool, poolId: 3, peers });
        assert.deepEqual(parseWireguardConfig(text), {
          ...pool,
          poolId: 3,
          listenPort: String(pool.listenPort),
          peers: new Map(peers.map(({ publicKey, network }) => [publicKey, network])),
        });
        assert.deepEqual(
          text.match(/^# network \d+$/gm) ?? [],
          peers.map(({ id }) => `# network ${id}`),
        );
        assert.deepEqual(
          text.split('\n').filter((line) => !LINE.test(line)),
          [],
        );
        assert.equal(text.match(/\n/g)?.length, 6 + 5 * peers.length);
      }),
      { numRuns: CASES },
    );
    expect(held).toBeGreaterThan(CASES / 100);
  }, 120_000);

  it('shows the peers of a file that was edited by hand, as wg would read them', () => {
    const edited = `${TEXT.replace('[Peer]', '[peer] # mine').replace('PublicKey = A', '  publickey=A')}
[Interface]
ListenPort = 4242
[Peer]
PublicKey = typed by hand
AllowedIPs = 192.0.2.1/32, 2001:DB8::/48
AllowedIPs = ::/0
`;
    expect(parseWireguardConfig(edited)).toEqual({
      ...FOUND,
      listenPort: '4242',
      peers: new Map([...FOUND.peers, ['typed by hand', '192.0.2.1/32,2001:DB8::/48,::/0']]),
    });
  });

  it.each([
    ['empty', ''],
    ['of somebody else', '[Interface]\nListenPort = 51820\n'],
    ['with another first line', `\n${TEXT}`],
    ['cut in its first line', TEXT.slice(0, 60)],
    ['with a prefix that is none', TEXT.replace('200::/40', '200::1/40')],
    ['with a pool that is none', TEXT.replace('pool 3', 'pool 0')],
  ])('is not ours when %s', (_, text) => {
    expect(parseWireguardConfig(text)).toBeNull();
  });

  it('is read without breaking whatever stands in it', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '[Peer]',
        '[Interface]',
        'PublicKey = x',
        'AllowedIPs =',
        '# network 9',
        'ListenPort',
        '=',
      ),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const found = parseWireguardConfig(TEXT + lines.join('\n'));
        expect(found?.prefix).toEqual(readPrefix('2a0a:e5c1:200::/40'));
        expect(found?.peers.get(testKey(0))).toBe('2a0a:e5c1:200::/48');
      }),
      { numRuns: CASES / 20 },
    );
  });
});

describe('the file of a client', () => {
  const client = {
    networkId: 6,
    network: slotPrefix(POOL.prefix, 48, 5n),
    publicKey: testKey(5),
    privateKey: null,
    pool: POOL,
  };

  it('is for wg-quick, with a placeholder that nobody mistakes for a key', () => {
    expect(
      renderClientConfig(client),
    ).toBe(`# Network 6 of public key BQAAAKWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=
[Interface]
PrivateKey = REPLACE_WITH_YOUR_PRIVATE_KEY
Address = 2a0a:e5c1:205::/48

[Peer]
PublicKey = hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
Endpoint = vpn-1.example.net:51820
AllowedIPs = ::/0
PersistentKeepalive = 25
`);
  });

  it('has the private key that is given', () => {
    const key = parsePrivateKey('XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=');
    expect(renderClientConfig({ ...client, privateKey: key })).toContain(`\nPrivateKey = ${key}\n`);
  });
});
