import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, prefixLength, reference, username } from '../../../lib/cli/flags.ts';
import { counted } from '../../../lib/cli/sentence.ts';
import { networkDocument, networkTable, poolId, publicKey } from '../../../lib/cli/vpn-networks.ts';
import { createNetwork, createNetworks } from '../../../lib/ops/vpn-networks.ts';

const KEY_FLAGS = ['public-key', 'public-keys-file'];

export default class VpnNetworkCreate extends BaseCommand {
  static override summary = 'Lend a network to a user';
  static override description =
    `Takes the next network that was never lent, in the fullest pool of the size that has room; then those that
were given back longest ago. With --public-keys-file it lends a network for each key: all of them or none.

The client makes its key pair itself, with: umask 077; wg genkey | tee privatekey | wg pubkey`;
  static override examples = [
    '<%= config.bin %> vpn network create --user nico --public-key hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
    '<%= config.bin %> vpn network create --user nico --public-keys-file keys.txt --count 25 --size 56',
  ];
  static override flags = {
    user: username({
      atLeastOne: ['user', 'as-user'],
      summary: 'Whom it is lent to; default: the user of --as-user',
    }),
    'as-user': asUser,
    'public-key': publicKey({
      aliases: ['wireguard-public-key'],
      exactlyOne: KEY_FLAGS,
      summary: 'Public key of the client',
    }),
    'public-keys-file': Flags.string({
      helpValue: 'FILE|-',
      exactlyOne: KEY_FLAGS,
      summary: 'Public keys, one a line',
    }),
    count: Flags.integer({
      helpValue: 'N',
      min: 1,
      dependsOn: ['public-keys-file'],
      summary: 'How many keys the file must hold',
    }),
    size: prefixLength({
      aliases: ['network-size'],
      summary: 'Length of the network; default: that of the pool given with --pool, else 48',
    }),
    pool: poolId('The pool that it is taken from; default: the fullest of the size that has room'),
    reference: reference({
      dependsOn: ['public-key'],
      summary: 'Your own name for it: asking again for the same changes nothing',
    }),
  };

  async run() {
    const { flags } = await this.parse(VpnNetworkCreate);
    const context = await this.context();
    const borrower = { username: flags.user ?? null, size: flags.size ?? null, poolId: flags.pool ?? null };
    if (flags['public-key'] !== undefined) {
      const { network, created } = await createNetwork(context, {
        ...borrower,
        publicKey: flags['public-key'],
        reference: flags.reference ?? null,
      });
      this.log(networkTable([network]));
      this.say(
        created ? `Created network ${network.id}.` : `Network ${network.id} exists already; nothing changed.`,
      );
      return { network: networkDocument(network), created };
    }
    const file = flags['public-keys-file'] ?? '-';
    const bulk = { ...borrower, publicKeysFile: file, count: flags.count ?? null };
    const networks = await createNetworks(context, bulk);
    this.log(networkTable(networks));
    this.say(`Created ${counted(networks.length, 'network')}.`);
    return { networks: networks.map(networkDocument) };
  }
}
