import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListenPort } from '../../src/lib/core/interface-name.ts';
import { formatPrefix, readPrefix, slotPrefix } from '../../src/lib/core/prefix.ts';
import {
  parseWireguardConfig,
  renderClientConfig,
  renderWireguardConfig,
  type WireguardConfig,
} from '../../src/lib/core/wireguard-config.ts';
import { parsePrivateKey } from '../../src/lib/core/wireguard-key.ts';
import { anyPrefix } from '../support/arbitrary-prefix.ts';
import { CASES } from '../support/property.ts';
import { POOL, testKey } from '../support/served-pool.ts';

const peerIn = (slot: bigint) => ({
  networkId: Number(slot) + 1,
  publicKey: testKey(Number(slot)),
  allowedIps: formatPrefix(slotPrefix(POOL.prefix, 48, slot)),
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

const FOUND = {
  hostname: 'vpn-1.example.net',
  poolId: 3,
  prefix: POOL.prefix,
  privateKey: POOL.privateKey,
  listenPort: '51820',
  peers: [
    { publicKey: testKey(0), allowedIps: ['2a0a:e5c1:200::/48'] },
    { publicKey: testKey(5), allowedIps: ['2a0a:e5c1:205::/48'] },
  ],
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
          networkId: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
          publicKey: fc.nat().map(testKey),
          allowedIps: anyPrefix.map(formatPrefix),
        }),
        { maxLength: 6 },
      ),
    });
    fc.assert(
      fc.property(config, (written) => {
        expect(parseWireguardConfig(renderWireguardConfig(written))).toEqual({
          ...written,
          listenPort: String(written.listenPort),
          peers: written.peers.map(({ publicKey, allowedIps }) => ({ publicKey, allowedIps: [allowedIps] })),
        });
      }),
      { numRuns: CASES },
    );
  });

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
      peers: [
        ...FOUND.peers,
        {
          publicKey: 'typed by hand',
          allowedIps: ['192.0.2.1/32', '2001:DB8::/48', '::/0'],
        },
      ],
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
        expect(found?.peers.slice(0, 1)).toEqual(FOUND.peers.slice(0, 1));
      }),
      { numRuns: CASES / 4 },
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
