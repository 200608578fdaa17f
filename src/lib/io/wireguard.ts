import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuse } from '../core/errors.ts';
import { instant } from '../core/instant.ts';
import type { LiveDevice } from '../core/link-plan.ts';
import type { PeerTraffic } from '../core/tunnel.ts';
import { renderPeer } from '../core/wireguard-config.ts';
import type { Peer } from '../core/wireguard-peer.ts';
import type { Tool } from './host-tools.ts';
import type { Run } from './run.ts';

/** Linux takes 128 KiB of one argument and about 2 MiB of all; a key with its word takes 50 bytes. */
const PEERS_PER_COMMAND = 1000;
const SOCKET_SECONDS = 5;
const SOCKET_POLL_MILLISECONDS = 20;

/** The WireGuard interfaces of the machine by their names, kernel's and userspace's alike. */
export async function readDevices(wg: Tool): Promise<Map<string, LiveDevice>> {
  return parseDump(await wg(['show', 'all', 'dump']));
}

/**
 * Reads what `wg show all dump` prints: a line of 5 fields for an interface, then one of 9 for each peer (wg(8)). Of
 * thousands of peers it takes the three fields that are compared, and cuts no other.
 */
export function parseDump(text: string): Map<string, LiveDevice> {
  const devices = new Map<string, LiveDevice & { peers: LiveDevice['peers'][number][] }>();
  let end = 0;
  for (let start = 0; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const first = text.indexOf('\t', start) + 1;
    const second = text.indexOf('\t', first) + 1;
    const third = text.indexOf('\t', second) + 1;
    const fourth = text.indexOf('\t', third) + 1;
    const fifth = text.indexOf('\t', fourth) + 1;
    const name = text.slice(start, first - 1);
    const key = text.slice(first, second - 1);
    if (fifth === 0 || fifth > end) {
      const privateKey = key === '(none)' ? null : key;
      devices.set(name, { privateKey, listenPort: Number(text.slice(third, fourth - 1)), peers: [] });
    } else {
      const allowedIps = text.slice(fourth, fifth - 1);
      devices.get(name)?.peers.push({
        publicKey: key,
        allowedIps: listOf(allowedIps),
        hasPresharedKey: !text.startsWith('(none)\t', second),
      });
    }
  }
  return devices;
}

function listOf(allowedIps: string): string[] {
  if (allowedIps === '(none)') return [];
  return allowedIps.includes(',') ? allowedIps.split(',') : [allowedIps];
}

/** What the interfaces of the machine know about their peers, by interface and public key. */
export async function readTraffic(wg: Tool): Promise<Map<string, Map<string, PeerTraffic>>> {
  const traffic = new Map<string, Map<string, PeerTraffic>>();
  for (const line of (await wg(['show', 'all', 'dump'])).split('\n')) {
    const [name = '', publicKey = '', , endpoint = '', , handshake = '', received = '', sent] =
      line.split('\t');
    if (sent === undefined) continue;
    const peers = traffic.get(name) ?? new Map<string, PeerTraffic>();
    traffic.set(name, peers);
    peers.set(publicKey, {
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

/** Adds peers, and changes the networks of those that are there; all others go on undisturbed. */
export async function addPeers(wg: Tool, name: string, peers: readonly Peer[]): Promise<void> {
  await wg(['addconf', name, '/dev/stdin'], { input: peers.map(renderPeer).join('') });
}

/** Removes peers by their public keys. */
export async function removePeers(wg: Tool, name: string, keys: readonly string[]): Promise<void> {
  await inParts(keys, (part) => wg(['set', name, ...part.flatMap((key) => ['peer', key, 'remove'])]));
}

/** Takes the preshared keys of peers away: a file without one leaves it in place (wireguard-tools 1.0.20210914). */
export async function clearPresharedKeys(wg: Tool, name: string, keys: readonly string[]): Promise<void> {
  await inParts(keys, (part) =>
    wg(['set', name, ...part.flatMap((key) => ['peer', key, 'preshared-key', '/dev/null'])]),
  );
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

async function inParts(keys: readonly string[], use: (part: readonly string[]) => Promise<unknown>) {
  for (let start = 0; start < keys.length; start += PEERS_PER_COMMAND) {
    await use(keys.slice(start, start + PEERS_PER_COMMAND));
  }
}
