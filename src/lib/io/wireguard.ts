import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuse } from '../core/errors.ts';
import { instant } from '../core/instant.ts';
import type { LinkSteps, LiveDevice } from '../core/link-plan.ts';
import type { PeerTraffic } from '../core/tunnel.ts';
import type { Tool } from './host-tools.ts';
import type { Run } from './run.ts';

/** Linux takes about 2 MiB of arguments; a peer with its network takes 110 bytes at most. */
const PEERS_PER_COMMAND = 1000;
const SOCKET_SECONDS = 5;
const SOCKET_POLL_MILLISECONDS = 20;

/**
 * The WireGuard interfaces of the machine by their names, kernel's and userspace's alike.
 * @param keys as for `parseDump`
 */
export async function readDevices(
  wg: Tool,
  keys: ReadonlySet<string> | null = null,
): Promise<Map<string, LiveDevice>> {
  return parseDump(await wg(['show', 'all', 'dump']), keys);
}

/** What `wg show all dump` prints for a peer (wg(8)): interface, key, preshared key, endpoint, networks, and more. */
const DUMPED_PEER = /^\S+\t(\S+)\t\(none\)\t\S+\t(?:\(none\)|(\S+))\t.*\n/gm;
const DUMPED_PEER_WITH_PRESHARED_KEY = /^\S+\t(\S+)\t\S+\t\S+\t(?:\(none\)|(\S+))\t.*\n/gm;

/**
 * Reads what `wg show all dump` prints: a line of 5 fields for an interface, then one of 9 for each of its peers
 * (wg(8)). Thousands of lines are cut by few calls: cutting each by itself, in code that runs once, is several times as
 * slow.
 * @param keys those of the peers that are read; null: all. Each is searched for in the whole text.
 */
export function parseDump(text: string, keys: ReadonlySet<string> | null = null): Map<string, LiveDevice> {
  const devices = new Map<string, LiveDevice>();
  for (let start = 0; start < text.length; ) {
    const first = text.indexOf('\n', start) + 1;
    const [name = '', privateKey = '', , port] = text.slice(start, first).split('\t');
    const end = text.indexOf('\n', text.lastIndexOf(`\n${name}\t`) + 1) + 1;
    const withPresharedKey: string[] = [];
    const lines = text.slice(first, end);
    // A key and its networks, a line each.
    let pairs = (keys === null ? lines : linesOf(name, keys, lines)).replace(DUMPED_PEER, '$1\n$2\n');
    if (pairs.includes('\t')) {
      pairs = pairs.replace(DUMPED_PEER_WITH_PRESHARED_KEY, (_, key: string, networks = '') => {
        withPresharedKey.push(key);
        return `${key}\n${networks}\n`;
      });
    }
    devices.set(name, {
      privateKey: privateKey === '(none)' ? null : privateKey,
      listenPort: Number(port),
      peers: mapPairs(pairs.split('\n')),
      withPresharedKey,
    });
    start = end;
  }
  return devices;
}

/** Each text at an even place with the one after it; a last one alone is left. */
function mapPairs(texts: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 1; at < texts.length; at += 2) map.set(texts[at - 1] ?? '', texts[at] ?? '');
  return map;
}

/** The lines of an interface that are about the peers with these keys. */
function linesOf(name: string, keys: ReadonlySet<string>, lines: string): string {
  return Array.from(keys, (key) => {
    const start = lines.indexOf(`${name}\t${key}\t`);
    return start < 0 ? '' : lines.slice(start, lines.indexOf('\n', start) + 1);
  }).join('');
}

/** What the interfaces of the machine know about their peers, by interface and public key. */
export async function readTraffic(wg: Tool): Promise<Map<string, Map<string, PeerTraffic>>> {
  const traffic = new Map<string, Map<string, PeerTraffic>>();
  for (const line of (await wg(['show', 'all', 'dump'])).split('\n')) {
    const [name = '', publicKey = '', , endpoint = '', allowedIps = '', handshake = '', received = '', sent] =
      line.split('\t');
    if (sent === undefined) continue;
    const peers = traffic.get(name) ?? new Map<string, PeerTraffic>();
    traffic.set(name, peers);
    peers.set(publicKey, {
      allowedIps,
      latestHandshake: handshake === '0' ? null : instant(Number(handshake)),
      endpoint: endpoint === '(none)' ? null : endpoint,
      received: Number(received),
      sent: Number(sent),
    });
  }
  return traffic;
}

/**
 * Gives an interface key, port and peers of its file. Only for a new interface, or another key or port: done again
 * and again to one in use, it loses packets.
 */
export async function syncConfig(wg: Tool, name: string, file: string): Promise<void> {
  await wg(['syncconf', name, file]);
}

/** Lets an interface go of its UDP port; it listens on one that is free until it is given another. */
export async function freeListenPort(wg: Tool, name: string): Promise<void> {
  await wg(['set', name, 'listen-port', '0']);
}

/**
 * Adds peers or gives them other networks, removes peers, and takes the preshared keys of peers away, which a file
 * without them leaves in place (wireguard-tools 1.0.20210914); all others go on undisturbed. New peers come before old
 * ones go, so that a network that moves to another key is never without a peer.
 */
export async function changePeers(
  wg: Tool,
  name: string,
  {
    addPeers,
    removePeers,
    clearPresharedKeys,
  }: Pick<LinkSteps, 'addPeers' | 'removePeers' | 'clearPresharedKeys'>,
): Promise<void> {
  const changes = [
    ...addPeers.map(({ publicKey, network }) => ['peer', publicKey, 'allowed-ips', network]),
    ...removePeers.map((key) => ['peer', key, 'remove']),
    ...clearPresharedKeys.map((key) => ['peer', key, 'preshared-key', '/dev/null']),
  ];
  for (let start = 0; start < changes.length; start += PEERS_PER_COMMAND) {
    await wg(['set', name, ...changes.slice(start, start + PEERS_PER_COMMAND).flat()]);
  }
}

/**
 * Starts a program that serves WireGuard where the kernel does not, and waits until `wg` can talk to it.
 * @param program as configured; null: WG_QUICK_USERSPACE_IMPLEMENTATION as for wg-quick(8), else wireguard-go
 * @throws TOOL_MISSING, USERSPACE_FAILED
 */
export async function startUserspace(run: Run, program: string | null, name: string): Promise<void> {
  const command = program ?? (process.env.WG_QUICK_USERSPACE_IMPLEMENTATION || 'wireguard-go');
  const { code } = await run(command, [name], { service: true });
  if (code !== 0)
    throw refuse.USERSPACE_FAILED({ command, interface: name, reason: `it ended with ${code}` });
  const deadline = performance.now() + SOCKET_SECONDS * 1000;
  while (!existsSync(`/var/run/wireguard/${name}.sock`)) {
    if (performance.now() >= deadline) {
      const reason = `it did not open its socket within ${SOCKET_SECONDS} seconds`;
      throw refuse.USERSPACE_FAILED({ command, interface: name, reason });
    }
    await sleep(SOCKET_POLL_MILLISECONDS);
  }
}
