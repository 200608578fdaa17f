import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planFile as planFound, planLeftover, wantedPeers } from '../../src/lib/core/host-plan.ts';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseListenPort } from '../../src/lib/core/interface-name.ts';
import { parsePrivateKey } from '../../src/lib/core/wireguard-key.ts';
import { CASES } from '../support/property.ts';
import { POOL, storedNetwork, testKey } from '../support/served-pool.ts';

const KEEP = { prune: false };
const PRUNE = { prune: true };
const networks = (count: number) => Array.from({ length: count }, (_, slot) => storedNetwork(slot));

/** Plans for a file with this text that only its owner may read. */
function planFile(
  pool: typeof POOL,
  rows: Parameters<typeof wantedPeers>[1],
  text: string | null,
  options: typeof KEEP,
) {
  return planFound(pool, rows, text === null ? null : { text, exposed: false }, options);
}

/** The file as the database wants it. */
function fileOf(...args: Parameters<typeof wantedPeers>[1][]): string {
  const { file } = planFile(POOL, args.flat(), null, KEEP);
  if (file.action !== 'write') throw new Error(file.action);
  return file.text;
}

describe('planFile', () => {
  it('creates a file that is missing', () => {
    const plan = planFile(POOL, networks(2), null, KEEP);
    expect(plan).toMatchObject({
      interface: 'wg0',
      poolId: 3,
      changes: [
        { kind: 'file', subject: 'wg0.conf', action: 'create' },
        { kind: 'peer', subject: testKey(0), action: 'add' },
        { kind: 'peer', subject: testKey(1), action: 'add' },
      ],
      file: { action: 'write' },
      refused: [],
    });
  });

  it('does nothing to a file that is as it should be', () => {
    const plan = planFile(POOL, networks(3), fileOf(networks(3)), KEEP);
    expect(plan).toMatchObject({ changes: [], file: { action: 'leave' }, refused: [] });
  });

  it('writes the same bytes whatever the order of the rows', () => {
    expect(fileOf([...networks(20)].reverse())).toBe(fileOf(networks(20)));
  });

  it('names each peer that comes, goes or moves', () => {
    const after = [storedNetwork(0), storedNetwork(1, { publicKey: testKey(99) }), storedNetwork(4)];
    const plan = planFile(POOL, after, fileOf(networks(3)), KEEP);
    expect(plan.changes).toEqual([
      { kind: 'file', subject: 'wg0.conf', action: 'update' },
      { kind: 'peer', subject: testKey(99), action: 'add' },
      { kind: 'peer', subject: testKey(4), action: 'add' },
      { kind: 'peer', subject: testKey(1), action: 'remove' },
      { kind: 'peer', subject: testKey(2), action: 'remove' },
    ]);
    expect(plan.file).toEqual({ action: 'write', text: fileOf(after) });
  });

  it('names another key or port of the pool without showing the key', () => {
    const before = fileOf(networks(1));
    const privateKey = parsePrivateKey('XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=');
    const moved = { ...POOL, privateKey, listenPort: parseListenPort('51821') };
    const plan = planFile(moved, networks(1), before, KEEP);
    expect(plan.changes).toEqual([
      { kind: 'file', subject: 'wg0.conf', action: 'update' },
      { kind: 'private_key', subject: POOL.publicKey, action: 'update' },
      { kind: 'listen_port', subject: '51821', action: 'update' },
    ]);
    expect(JSON.stringify(plan.changes)).not.toContain(privateKey);
  });

  it('restores a file that was edited, also when its peers are the same', () => {
    const plan = planFile(POOL, networks(1), `${fileOf(networks(1))}PersistentKeepalive = 25\n`, KEEP);
    expect(plan.changes).toEqual([{ kind: 'file', subject: 'wg0.conf', action: 'update' }]);
  });

  it('writes a file anew that others may read', () => {
    const exposed = { text: fileOf(networks(1)), exposed: true };
    expect(planFound(POOL, networks(1), exposed, KEEP)).toMatchObject({
      changes: [{ kind: 'file_mode', subject: 'wg0.conf', action: 'update' }],
      file: { action: 'write', text: exposed.text },
    });
    expect(planFound(POOL, networks(2), exposed, KEEP).changes).toEqual([
      { kind: 'file', subject: 'wg0.conf', action: 'update' },
      { kind: 'file_mode', subject: 'wg0.conf', action: 'update' },
      { kind: 'peer', subject: testKey(1), action: 'add' },
    ]);
  });

  it('never touches a file that is not ours', () => {
    const other = { ...POOL, id: 4, hostname: parseHostname('vpn-2.example.net') };
    for (const plan of [
      planFile(POOL, networks(1), '[Interface]\nListenPort = 1\n', PRUNE),
      planFile(other, networks(1), fileOf(networks(1)), PRUNE),
    ]) {
      expect(plan).toMatchObject({
        changes: [],
        file: { action: 'leave' },
        refused: [{ code: 'FILE_NOT_OURS' }],
      });
    }
  });

  it('mends a file that was cut off anywhere', () => {
    const whole = fileOf(networks(2));
    for (let length = 0; length < whole.length; length += 1) {
      expect(planFile(POOL, networks(2), whole.slice(0, length), KEEP)).toMatchObject({
        file: { action: 'write', text: whole },
        refused: [],
      });
    }
  });

  it('takes over the file of another pool of its host, under the brake', () => {
    const next = { ...POOL, id: 4 };
    expect(planFile(next, [], fileOf(networks(2)), KEEP).file.action).toBe('write');
    expect(planFile(next, [], fileOf(networks(3)), KEEP).refused).toMatchObject([{ code: 'BRAKED' }]);
  });

  it('takes over the file of its own pool when the host is renamed', () => {
    const renamed = { ...POOL, hostname: parseHostname('vpn-9.example.net') };
    expect(planFile(renamed, networks(1), fileOf(networks(1)), KEEP).file.action).toBe('write');
  });

  it('brakes before it cuts everybody off, and says what it held back', () => {
    const plan = planFile(POOL, [], fileOf(networks(3)), KEEP);
    expect(plan).toMatchObject({
      file: { action: 'leave' },
      refused: [{ code: 'BRAKED', exit: 3, data: { interface: 'wg0', removed: 3, peers: 3 } }],
    });
    expect(plan.changes).toHaveLength(4);
    expect(planFile(POOL, [], fileOf(networks(3)), PRUNE)).toMatchObject({
      file: { action: 'write' },
      refused: [],
    });
    expect(planFile(POOL, [], fileOf(networks(2)), KEEP).file.action).toBe('write');
    expect(planFile(POOL, networks(10), fileOf(networks(21)), KEEP).file.action).toBe('leave');
    expect(planFile(POOL, networks(11), fileOf(networks(21)), KEEP).file.action).toBe('write');
  });

  it('does not brake when every key is rotated', () => {
    const rotated = networks(20).map((network, slot) => ({ ...network, publicKey: testKey(500 + slot) }));
    expect(planFile(POOL, rotated, fileOf(networks(20)), KEEP).file.action).toBe('write');
  });
});

describe('a row that is wrong', () => {
  it.each([
    ['a key that is none', storedNetwork(1, { publicKey: 'nonsense' }), 'INVALID_KEY'],
    [
      'a key with a second line',
      storedNetwork(1, { publicKey: `${testKey(1)}\nAllowedIPs = ::/0` }),
      'INVALID_KEY',
    ],
    ['a weak key', storedNetwork(1, { publicKey: `${'A'.repeat(43)}=` }), 'WEAK_KEY'],
    ['the key of the pool', storedNetwork(1, { publicKey: POOL.publicKey }), 'KEY_IS_POOLS'],
    ['the key of another network', storedNetwork(1, { publicKey: testKey(0) }), 'KEY_IN_USE'],
    ['a network outside its pool', storedNetwork(1, { network: '2a0a:e5c1:300::/48' }), 'NETWORK_MISPLACED'],
    ['a network with a second line', storedNetwork(1, { network: '::/0\n[Peer]' }), 'NETWORK_MISPLACED'],
    [
      'the slot of another network',
      storedNetwork(1, { slot: 0, network: '2a0a:e5c1:200::/48' }),
      'NETWORK_TWICE',
    ],
    ['a slot that the pool does not have', storedNetwork(1, { slot: 256 }), 'NETWORK_MISPLACED'],
    ['a negative slot', storedNetwork(1, { slot: -1 }), 'NETWORK_MISPLACED'],
  ])('(%s) is named, and its peer stays as it was', (_, wrong, code) => {
    const before = fileOf(networks(3));
    const after = [storedNetwork(0), wrong, storedNetwork(2), storedNetwork(3)];
    const plan = planFile(POOL, after, before, KEEP);
    expect(plan.refused.map((refusal) => refusal.code)).toContain(code);
    expect(plan.refused.every((refusal) => /network [12]/i.test(refusal.message))).toBe(true);
    expect(plan.file).toEqual({ action: 'write', text: fileOf(networks(4)) });
    const file = { text: fileOf(networks(4)), exposed: false };
    const live = new Map(networks(4).map(({ publicKey, network }) => [publicKey, network]));
    for (const next of [
      planFound(POOL, after, file, KEEP),
      planFound(POOL, after, file, { ...KEEP, live }),
    ]) {
      expect(next).toMatchObject({ changes: [], file: { action: 'leave' } });
      expect(next.refused.map((refusal) => refusal.code)).toEqual(
        plan.refused.map((refusal) => refusal.code),
      );
    }
  });

  it.each([
    ['a weak key', `${'A'.repeat(43)}=`, 'WEAK_KEY'],
    ['the key of the pool', POOL.publicKey, 'KEY_IS_POOLS'],
  ])('is named also when %s is served already', (_, publicKey, code) => {
    const rows = [storedNetwork(0), storedNetwork(1, { publicKey }), storedNetwork(2)];
    const live = new Map(rows.map((row) => [row.publicKey, row.network]));
    const plan = planFound(POOL, rows, { text: fileOf(networks(3)), exposed: false }, { ...KEEP, live });
    expect(plan.refused).toMatchObject([{ code }]);
  });

  it('gets no peer when there was none', () => {
    const plan = planFile(POOL, [storedNetwork(0), storedNetwork(1, { publicKey: '' })], null, KEEP);
    expect(plan.file).toEqual({ action: 'write', text: fileOf(networks(1)) });
    expect(plan.refused).toHaveLength(1);
  });

  it('keeps neither of two new rows with one key', () => {
    const twins = [
      storedNetwork(0),
      storedNetwork(1, { publicKey: testKey(7) }),
      storedNetwork(2, { publicKey: testKey(7) }),
    ];
    const { peers, refused } = wantedPeers(POOL, twins, () => []);
    expect(peers.map((peer) => peer.id)).toEqual([1]);
    expect(refused.map(({ code, data }) => [code, data])).toEqual([
      ['KEY_IN_USE', { network_id: 3 }],
      ['KEY_IN_USE', { network_id: 2 }],
    ]);
  });

  it('does not keep its peer in the way of a good row', () => {
    const found = [{ publicKey: testKey(5), allowedIps: ['2a0a:e5c1:201::/48'] }];
    const good = storedNetwork(0, { publicKey: testKey(5) });
    const { peers } = wantedPeers(POOL, [good, storedNetwork(1, { publicKey: 'bad' })], () => found);
    expect(peers.map((peer) => [peer.id, peer.publicKey])).toEqual([[1, testKey(5)]]);
  });

  it('does not keep its peer in the way of the network of a good row', () => {
    const found = [{ publicKey: testKey(7), allowedIps: ['2a0a:e5c1:201::/48'] }];
    const wrong = storedNetwork(7, { network: 'elsewhere' });
    const { peers } = wantedPeers(POOL, [storedNetwork(1), wrong], () => found);
    expect(peers.map((peer) => [peer.id, peer.publicKey])).toEqual([[2, testKey(1)]]);
  });

  it('keeps the peer with its network rather than the one with its key', () => {
    const found = [
      { publicKey: testKey(5), allowedIps: ['2a0a:e5c1:205::/48'] },
      { publicKey: testKey(9), allowedIps: ['2a0a:e5c1:201::/48'] },
    ];
    const wrong = storedNetwork(1, { network: 'elsewhere', publicKey: testKey(5) });
    const { peers } = wantedPeers(POOL, [wrong], () => found);
    expect(peers.map((peer) => [peer.id, peer.publicKey])).toEqual([[2, testKey(9)]]);
  });

  it.each([
    ['one key', [testKey(1), '201'], [testKey(1), '202']],
    ['one network', [testKey(1), '209'], [testKey(2), '209']],
  ])('keeps one of two found peers with %s', (_, one, other) => {
    const found = [one, other].map(([publicKey = '', group]) => ({
      publicKey,
      allowedIps: [`2a0a:e5c1:${group}::/48`],
    }));
    const wrong = [1, 2].map((slot) => storedNetwork(slot, { network: 'elsewhere' }));
    expect(wantedPeers(POOL, wrong, () => found).peers).toHaveLength(1);
  });

  it('does not keep a peer that was edited into something unsafe', () => {
    for (const allowedIps of [['::/0'], ['2a0a:e5c1:201::/48', '::/0'], [], ['2a0a:e5c1:201::/47'], ['x']]) {
      const { peers } = wantedPeers(POOL, [storedNetwork(1, { slot: 2 })], () => [
        { publicKey: testKey(1), allowedIps },
      ]);
      expect(peers).toEqual([]);
    }
  });
});

describe('hostile rows', () => {
  const line =
    /^(|# network \d+|\[Peer\]|PublicKey = [A-Za-z0-9+/]{43}=|AllowedIPs = 2a0a:e5c1:2[0-9a-f]{2}::\/48)$/;
  const hostile = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom(testKey(1), '2a0a:e5c1:201::/48', ''),
        fc.constantFrom('\n', '\r\n', '#', ' ', '\0', ','),
        fc.string(),
      )
      .map((parts) => parts.join('')),
  );
  const row = fc.record({
    id: fc.integer({ min: 1, max: 10_000 }),
    slot: fc.integer({ min: -1, max: 300 }),
    network: fc.oneof(
      hostile,
      fc.integer({ min: 0, max: 9 }).map((slot) => storedNetwork(slot).network),
    ),
    publicKey: fc.oneof(hostile, fc.nat(9).map(testKey)),
  });
  const rows = fc.uniqueArray(
    fc.oneof(
      row,
      fc.nat(9).map((slot) => storedNetwork(slot)),
    ),
    {
      maxLength: 8,
      selector: ({ id }) => id,
    },
  );
  const foundText = fc.oneof(
    fc.constant(null),
    fc.constant(fileOf(networks(5))),
    fc
      .array(fc.oneof(hostile, fc.constantFrom('[Peer]', `PublicKey = ${testKey(3)}`, 'AllowedIPs = ::/0')))
      .map((lines) => fileOf(networks(2)) + lines.join('\n')),
  );

  it('never become a line of the file, and every row is either there or refused', () => {
    fc.assert(
      fc.property(rows, foundText, (stored, text) => {
        const plan = planFile(POOL, stored, text, PRUNE);
        const file = plan.file.action === 'write' ? plan.file.text : text;
        if (file === null) throw new Error('no file');
        const body = file.slice(fileOf().length).split('\n');
        expect(body.filter((any) => !line.test(any))).toEqual([]);
        const keys = body.filter((any) => any.startsWith('PublicKey'));
        const allowed = body.filter((any) => any.startsWith('AllowedIPs'));
        expect(new Set(keys).size).toBe(keys.length);
        expect(new Set(allowed).size).toBe(allowed.length);
        expect(allowed).toEqual([...allowed].sort());
        expect(keys.length + plan.refused.length).toBeGreaterThanOrEqual(stored.length);
        expect(planFile(POOL, stored, file, PRUNE)).toMatchObject({ changes: [], file: { action: 'leave' } });
      }),
      { numRuns: CASES / 20 },
    );
  });
});

describe('planLeftover', () => {
  it('removes the file of a pool that this host no longer serves', () => {
    expect(planLeftover(POOL.hostname, 'wg0', fileOf(networks(1)), KEEP)).toEqual({
      interface: 'wg0',
      poolId: 3,
      changes: [
        { kind: 'file', subject: 'wg0.conf', action: 'remove' },
        { kind: 'peer', subject: testKey(0), action: 'remove' },
      ],
      file: { action: 'remove' },
      peers: [],
      held: false,
      refused: [],
    });
  });

  it('brakes as for any other interface', () => {
    const braked = planLeftover(POOL.hostname, 'wg0', fileOf(networks(3)), KEEP);
    expect(braked).toMatchObject({ file: { action: 'leave' }, refused: [{ code: 'BRAKED' }] });
    expect(planLeftover(POOL.hostname, 'wg0', fileOf(networks(3)), PRUNE)?.file.action).toBe('remove');
  });

  it('brakes for the peers that the same pool has not under its new name', () => {
    const served = (count: number) => planFile(POOL, networks(count), null, KEEP);
    const text = fileOf(networks(3));
    expect(planLeftover(POOL.hostname, 'wg5', text, { ...KEEP, served: [served(3)] })).toMatchObject({
      changes: [{ kind: 'file', subject: 'wg5.conf', action: 'remove' }, {}, {}, {}],
      file: { action: 'remove' },
      held: false,
    });
    expect(planLeftover(POOL.hostname, 'wg5', text, { ...KEEP, served: [served(0)] })?.held).toBe(true);
    const other = { ...served(3), poolId: 4 };
    expect(planLeftover(POOL.hostname, 'wg5', text, { ...KEEP, served: [other] })?.held).toBe(true);
  });

  it('does not see files of others', () => {
    const other = parseHostname('vpn-2.example.net');
    expect(planLeftover(other, 'wg0', fileOf(networks(1)), PRUNE)).toBeNull();
    expect(planLeftover(POOL.hostname, 'wg0', '[Interface]\n', PRUNE)).toBeNull();
  });
});
