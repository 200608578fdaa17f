import { describe, expect, it } from 'vitest';
import type { StoredNetwork } from '../../src/lib/core/host-plan.ts';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import {
  fewChangedPeers,
  type HostState,
  type LiveDevice,
  type LiveLink,
  planInterface,
  planLeftoverInterface,
  planLostLinks,
  portsInTheWay,
  stepsToRaise,
} from '../../src/lib/core/link-plan.ts';
import { NO_PEERS } from '../../src/lib/core/wireguard-peer.ts';
import { POOL, storedNetwork, testKey } from '../support/served-pool.ts';

const KEEP = { prune: false };
const networks = (count: number) => Array.from({ length: count }, (_, slot) => storedNetwork(slot));
const EMPTY: HostState = { links: new Map(), devices: new Map(), routes: [] };

/** The file as the database wants it. */
function fileOf(rows: readonly StoredNetwork[]) {
  const { file } = planInterface(POOL, rows, null, EMPTY, KEEP);
  if (file.action !== 'write') throw new Error(file.action);
  return { text: file.text, exposed: false };
}

/** A host that serves these networks, sound unless a part is replaced. */
function stateOf(
  rows: readonly StoredNetwork[],
  {
    link = {},
    device = {},
    routes,
  }: { link?: Partial<LiveLink>; device?: Partial<LiveDevice>; routes?: HostState['routes'] } = {},
): HostState {
  const peers = new Map(rows.map(({ publicKey, network }) => [publicKey, network]));
  return {
    links: new Map([['wg0', { alias: 'uncloud:pool=3', up: true, ...link }]]),
    devices: new Map([
      ['wg0', { privateKey: POOL.privateKey, listenPort: 51820, peers, withPresharedKey: [], ...device }],
    ]),
    routes: routes ?? [{ prefix: '2a0a:e5c1:200::/40', interface: 'wg0' }],
  };
}

const plan = (rows: readonly StoredNetwork[], state: HostState, options = KEEP) =>
  planInterface(POOL, rows, fileOf(rows), state, options);

describe('planInterface', () => {
  it('does nothing to a host that is as it should be', () => {
    expect(plan(networks(3), stateOf(networks(3)))).toMatchObject({
      changes: [],
      file: { action: 'leave' },
      link: { action: 'leave' },
      refused: [],
    });
  });

  it('adds, changes and removes single peers of a link in use', () => {
    const state = stateOf([storedNetwork(0), storedNetwork(7, { publicKey: testKey(1) }), storedNetwork(8)]);
    expect(plan(networks(3), state)).toMatchObject({
      changes: [
        { kind: 'peer', subject: testKey(1), action: 'update' },
        { kind: 'peer', subject: testKey(2), action: 'add' },
        { kind: 'peer', subject: testKey(8), action: 'remove' },
      ],
      link: {
        action: 'change',
        steps: {
          create: false,
          configure: false,
          addPeers: [{ publicKey: testKey(1) }, { publicKey: testKey(2) }],
          removePeers: [testKey(8)],
          raise: false,
          addRoute: null,
        },
      },
    });
  });

  it.each([
    ['another key', stateOf(networks(2), { device: { privateKey: null } })],
    ['another port', stateOf(networks(2), { device: { listenPort: 0 } })],
    ['no link', EMPTY],
  ])('takes the whole file for %s', (_, state) => {
    const { link } = plan(networks(2), state);
    expect(link).toMatchObject({
      action: 'change',
      steps: { configure: true, addPeers: [], removePeers: [] },
    });
  });

  it('creates a link with all that belongs to it, and says each once', () => {
    const { changes, link } = planInterface(POOL, networks(2), null, EMPTY, KEEP);
    expect(changes).toEqual([
      { kind: 'file', subject: 'wg0.conf', action: 'create' },
      { kind: 'link', subject: 'wg0', action: 'create' },
      { kind: 'peer', subject: testKey(0), action: 'add' },
      { kind: 'peer', subject: testKey(1), action: 'add' },
      { kind: 'route', subject: '2a0a:e5c1:200::/40', action: 'add' },
    ]);
    expect(link).toMatchObject({
      steps: { create: true, mark: 'uncloud:pool=3', raise: true, addRoute: '2a0a:e5c1:200::/40' },
    });
  });

  it('leaves file and link alone that are not ours', () => {
    const rows = networks(1);
    const other = { privateKey: 'another' };
    for (const state of [
      stateOf(rows, { link: { alias: null }, device: other }),
      stateOf(rows, { link: { alias: 'uplink' } }),
      { ...stateOf(rows), devices: new Map() },
      { ...stateOf(rows), links: new Map() },
    ]) {
      expect(planInterface(POOL, rows, null, state, { prune: true })).toMatchObject({
        changes: [],
        file: { action: 'leave' },
        link: { action: 'leave' },
        refused: [{ code: 'LINK_NOT_OURS' }],
      });
    }
  });

  it('says how to take over a link that has the key of the pool and the alias of somebody', () => {
    const rows = networks(1);
    const hintOf = (state: HostState) => plan(rows, state).refused[0]?.hint;
    expect(hintOf(stateOf(rows, { link: { alias: 'foo' } }))).toContain(
      'ip link set dev wg0 alias uncloud:pool=3',
    );
    const stranger = stateOf(rows, { link: { alias: 'foo' }, device: { privateKey: 'another' } });
    expect(hintOf(stranger)).toContain('Rename or remove it');
  });

  it('takes over a link with the key of the pool, and one that a killed run began', () => {
    const rows = networks(1);
    const unmarked = stateOf(rows, { link: { alias: null } });
    expect(plan(rows, unmarked).changes).toEqual([
      { kind: 'alias', subject: 'uncloud:pool=3', action: 'add' },
    ]);
    const begun = stateOf(rows, {
      link: { alias: null, up: false },
      device: { privateKey: null, peers: NO_PEERS },
    });
    expect(plan(rows, begun)).toMatchObject({ link: { action: 'change' }, refused: [] });
    expect(planInterface(POOL, rows, null, begun, KEEP).refused).toMatchObject([{ code: 'LINK_NOT_OURS' }]);
  });

  it('counts what the file alone lacks as a change of the file, not of the peers', () => {
    const rows = networks(3);
    const live = stateOf(rows);
    const edited = fileOf(rows).text.replace('51820', '1').replaceAll('::/48', '::/49');
    for (const [text, changes] of [
      [null, [{ kind: 'file', subject: 'wg0.conf', action: 'create' }]],
      ['', [{ kind: 'file', subject: 'wg0.conf', action: 'update' }]],
      [edited, [{ kind: 'file', subject: 'wg0.conf', action: 'update' }]],
    ] as const) {
      const file = text === null ? null : { text, exposed: false };
      expect(planInterface(POOL, rows, file, live, KEEP)).toMatchObject({
        changes,
        file: { action: 'write' },
        link: { action: 'leave' },
      });
    }
  });

  it('brakes for the peers of the link as for those of the file', () => {
    const strangers = [7, 8, 9].map((slot) => storedNetwork(slot));
    const braked = plan(networks(1), stateOf(strangers));
    expect(braked).toMatchObject({
      file: { action: 'leave' },
      link: { action: 'leave' },
      refused: [{ code: 'BRAKED' }],
    });
    expect(plan(networks(1), stateOf(strangers), { prune: true })).toMatchObject({
      link: { action: 'change' },
    });
  });

  it('brakes for the peers of the file only where the link has fewer', () => {
    const strangers = fileOf([7, 8, 9].map((slot) => storedNetwork(slot)));
    expect(planInterface(POOL, networks(3), strangers, stateOf(networks(3)), KEEP)).toMatchObject({
      changes: [{ kind: 'file', subject: 'wg0.conf', action: 'update' }],
      file: { action: 'write' },
      link: { action: 'leave' },
      refused: [],
    });
    expect(planInterface(POOL, [], fileOf(networks(3)), stateOf(networks(2).slice(1)), KEEP)).toMatchObject({
      file: { action: 'leave' },
      link: { action: 'leave' },
      refused: [{ code: 'BRAKED' }],
    });
  });

  it('raises a missing link from a file that the brake holds', () => {
    const plan = planInterface(POOL, [], fileOf(networks(3)), EMPTY, KEEP);
    expect(plan).toMatchObject({
      changes: [
        { kind: 'link', subject: 'wg0', action: 'create' },
        { kind: 'route', subject: '2a0a:e5c1:200::/40', action: 'add' },
      ],
      file: { action: 'leave' },
      link: { action: 'raise' },
      refused: [{ code: 'BRAKED' }],
    });
    const begun = stateOf([], {
      device: { privateKey: null, listenPort: 0 },
      link: { up: false },
      routes: [],
    });
    expect(planInterface(POOL, [], fileOf(networks(3)), begun, KEEP)).toMatchObject({
      changes: [{ kind: 'link', subject: 'wg0', action: 'raise' }, { kind: 'route' }],
      link: { action: 'raise', steps: { create: false, configure: true } },
    });
    const foreign = { text: '[Interface]\n', exposed: false };
    expect(planInterface(POOL, [], foreign, EMPTY, KEEP).link.action).toBe('leave');
  });

  it('tries no more to raise a link from a file that was cut off before its key', () => {
    const { text } = fileOf(networks(3));
    const cutOff = text.slice(0, text.indexOf('PrivateKey'));
    expect(stepsToRaise('wg0', cutOff, EMPTY)).toMatchObject({ create: true });
    expect(stepsToRaise('wg0', cutOff, stateOf([], { device: { privateKey: null } }))).toBeNull();
    expect(stepsToRaise('wg0', text, stateOf([], { device: { privateKey: null } }))).not.toBeNull();
  });

  it('raises a missing link from the file of a pool that is gone where the brake holds it', () => {
    const { text } = fileOf(networks(3));
    expect(planLeftoverInterface(POOL.hostname, 'wg0', text, EMPTY, KEEP)).toMatchObject({
      changes: [{ kind: 'link', subject: 'wg0', action: 'create' }, { kind: 'route' }],
      file: { action: 'leave' },
      link: { action: 'raise' },
      refused: [{ code: 'BRAKED' }],
    });
  });

  it('keeps the live peer of a row that is wrong', () => {
    const rows = [storedNetwork(0), storedNetwork(1, { publicKey: 'nonsense' })];
    expect(planInterface(POOL, rows, fileOf(networks(2)), stateOf(networks(2)), KEEP)).toMatchObject({
      changes: [],
      link: { action: 'leave' },
      refused: [{ code: 'INVALID_KEY' }],
    });
  });
});

describe('planLostLinks', () => {
  const moved = { ...POOL, interface: parseInterfaceName('wg5') };
  const served = (count: number) => [planInterface(moved, networks(count), null, EMPTY, KEEP)];
  const lost = (state: HostState, { count = 3, prune = false, known = new Set(['wg5']) } = {}) =>
    planLostLinks([moved], state, { known, prune, served: served(count) });

  it('removes the link that a pool had before it moved to another interface', () => {
    expect(lost(stateOf(networks(3)))).toMatchObject([
      {
        interface: 'wg0',
        poolId: POOL.id,
        changes: [{ kind: 'link', subject: 'wg0', action: 'remove' }, ...Array(3).fill({ kind: 'peer' })],
        file: { action: 'leave' },
        link: { action: 'remove' },
        held: false,
        refused: [],
      },
    ]);
  });

  it('lets a link be that another database may have made, or nobody knows who', () => {
    for (const state of [
      stateOf(networks(3), { device: { privateKey: null } }),
      stateOf(networks(3), { link: { alias: 'uncloud:pool=4' } }),
      stateOf(networks(3), { link: { alias: null } }),
    ]) {
      expect(lost(state)).toEqual([]);
    }
    expect(lost(stateOf(networks(3)), { known: new Set(['wg0', 'wg5']) })).toEqual([]);
  });

  it('brakes for the peers that the pool has lost', () => {
    const [plan] = lost(stateOf(networks(3)), { count: 0 });
    expect(plan).toMatchObject({ held: true, link: { action: 'leave' }, refused: [{ code: 'BRAKED' }] });
    expect(lost(stateOf(networks(3)), { count: 0, prune: true })).toMatchObject([{ refused: [] }]);
  });
});

describe('portsInTheWay', () => {
  const other = {
    ...POOL,
    id: 4,
    interface: parseInterfaceName('wg1'),
    listenPort: parseListenPort('51821'),
  };
  const pools = [POOL, other];
  const hostWith = (ports: Record<string, number>): HostState => {
    const { links, devices } = stateOf(networks(1));
    const [link, device] = [links.get('wg0') as LiveLink, devices.get('wg0') as LiveDevice];
    const names = Object.entries(ports);
    return {
      links: new Map(
        names.map(([name]) => [name, { ...link, alias: name === 'wg0' ? link.alias : 'uncloud:pool=4' }]),
      ),
      devices: new Map(names.map(([name, listenPort]) => [name, { ...device, listenPort }])),
      routes: [],
    };
  };
  const inTheWay = (ports: Record<string, number>) => {
    const state = hostWith(ports);
    const plans = pools.map((pool) => planInterface(pool, networks(1), null, state, KEEP));
    return portsInTheWay(plans, pools, state);
  };

  it('are those of two links that swap them', () => {
    expect(inTheWay({ wg0: 51821, wg1: 51820 })).toEqual(['wg0', 'wg1']);
    expect(inTheWay({ wg0: 51821, wg1: 4000 })).toEqual(['wg0']);
  });

  it('are none where a link keeps its own, or nobody takes the one it had', () => {
    expect(inTheWay({ wg0: 51820, wg1: 51820 })).toEqual([]);
    expect(inTheWay({ wg0: 4000, wg1: 4001 })).toEqual([]);
    expect(inTheWay({})).toEqual([]);
  });
});

describe('fewChangedPeers', () => {
  const steady = plan(networks(2), stateOf(networks(2)));
  const fewOf = (rows: readonly StoredNetwork[], state: HostState) =>
    fewChangedPeers([steady, plan(rows, state), steady]);

  it('names the peers that come, change, go or lose a preshared key', () => {
    const state = stateOf([storedNetwork(0), storedNetwork(7, { publicKey: testKey(1) }), storedNetwork(8)], {
      device: { withPresharedKey: [testKey(0)] },
    });
    expect(fewOf(networks(3), state)).toEqual(new Set([0, 1, 2, 8].map(testKey)));
  });

  it.each([
    ['another key', stateOf(networks(2), { device: { privateKey: null } })],
    ['another port', stateOf(networks(2), { device: { listenPort: 0 } })],
    ['no link', EMPTY],
    ['a link that is down', stateOf(networks(2), { link: { up: false } })],
    ['another route', stateOf(networks(2), { routes: [] })],
  ])('names none where all have to be looked at: %s', (_, state) => {
    expect(fewOf(networks(3), state)).toBeNull();
  });

  it('names no more than twenty', () => {
    expect(fewOf(networks(20), stateOf([]))?.size).toBe(20);
    expect(fewOf(networks(21), stateOf([]))).toBeNull();
  });
});
