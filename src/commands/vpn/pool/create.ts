import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, hostname, prefixLength } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import {
  interfaceName,
  listenPort,
  poolDocument,
  poolFields,
  poolPrefix,
  privateKeyFlags,
} from '../../../lib/cli/vpn-pools.ts';
import { parsePrefix } from '../../../lib/core/parse-prefix.ts';
import type { Prefix } from '../../../lib/core/prefix.ts';
import { DEFAULT_NETWORK_SIZE } from '../../../lib/core/vpn-pool.ts';
import { createPool } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolCreate extends BaseCommand {
  static override summary = 'Create a pool of networks, served by one VPN host';
  static override description =
    `A pool is a prefix that is routed to its host, divided into networks of one length.
Its private key is sealed in the database under the key file (secrets.key_file), which is made with the first pool,
and appears only in the WireGuard file of its host. A pool that is there already as it is asked for stays as it is, and
with --generate-key keeps its key.`;
  static override examples = [
    '<%= config.bin %> vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net --generate-key',
    '<%= config.bin %> vpn pool create 2001:db8::/48 --subnetwork-size 64 --hostname vpn-1.example.net --private-key-file wg1.key',
    'wg genkey | <%= config.bin %> vpn pool create 2001:db8::/48 --subnetwork-size 64 --hostname vpn-1.example.net --private-key-file -',
  ];
  static override args = {
    prefix: Args.custom<Prefix>({ parse: async (text) => parsePrefix(text), ignoreStdin: true })({
      description: 'IPv6 prefix with its length, for example 2a0a:e5c1:200::/40',
    }),
  };
  static override flags = {
    network: Flags.string({ helpValue: 'ADDRESS', summary: 'Older spelling of PREFIX, with --network-size' }),
    'network-size': prefixLength({ summary: 'Length of the prefix in --network', dependsOn: ['network'] }),
    'subnetwork-size': prefixLength({
      summary: `Length of the networks that are handed out; default: ${DEFAULT_NETWORK_SIZE}`,
    }),
    hostname: hostname({
      required: true,
      aliases: ['vpn-hostname'],
      summary: 'The host that serves the pool',
    }),
    interface: interfaceName({ summary: 'Its interface; default: the first free one of wg0, wg1, …' }),
    'listen-port': listenPort({ summary: 'Its UDP port; default: the first free one from 51820' }),
    ...privateKeyFlags('the private key'),
    'as-user': asUser,
  };

  async run() {
    const { args, flags } = await this.parse(VpnPoolCreate);
    const { pool, created } = await createPool(await this.context(), {
      prefix: poolPrefix(args.prefix, flags),
      subnetworkSize: flags['subnetwork-size'] ?? DEFAULT_NETWORK_SIZE,
      hostname: flags.hostname,
      interface: flags.interface ?? null,
      listenPort: flags['listen-port'] ?? null,
      privateKeyFile: flags['private-key-file'] ?? null,
    });
    this.log(renderFields(poolFields(pool)));
    this.say(created ? `Created pool ${pool.id}.` : `Pool ${pool.id} exists already; nothing changed.`);
    return { pool: poolDocument(pool), created };
  }
}
