import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg } from '../../../lib/cli/flags.ts';
import { networkDocument, networkTable, publicKey } from '../../../lib/cli/vpn-networks.ts';
import { rotateNetworkKey } from '../../../lib/ops/vpn-networks.ts';

export default class VpnNetworkRotateKey extends BaseCommand {
  static override summary = 'Give a network another public key';
  static override description =
    `For a client that has a new key pair: the network stays the same, and the old key is forgotten.
The next run of uncloud vpn on its host ends the tunnel of the old key and lets the new one in.`;
  static override examples = [
    '<%= config.bin %> vpn network rotate-key 7 --public-key hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
  ];
  static override args = { id: idArg('Id of the network') };
  static override flags = {
    'public-key': publicKey({ required: true, summary: 'The new public key of the client' }),
    'as-user': asUser,
  };

  async run() {
    const { args, flags } = await this.parse(VpnNetworkRotateKey);
    const { network, changed } = await rotateNetworkKey(await this.context(), args.id, flags['public-key']);
    this.log(networkTable([network]));
    this.say(
      changed
        ? `Network ${network.id} has the new key.`
        : `Network ${network.id} has this key already; nothing changed.`,
    );
    const document = networkDocument(network);
    return { network: document, networks: [document], changed };
  }
}
