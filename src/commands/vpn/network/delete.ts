import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg, yes } from '../../../lib/cli/flags.ts';
import { networkDocument } from '../../../lib/cli/vpn.ts';
import { deleteNetwork, showNetwork } from '../../../lib/ops/vpn-networks.ts';

export default class VpnNetworkDelete extends BaseCommand {
  static override summary = 'Take a network back';
  static override description =
    'The next run of uncloud vpn on its host ends the tunnel. The network is lent again after all others of its pool.';
  static override examples = [
    '<%= config.bin %> vpn network delete 7',
    '<%= config.bin %> vpn network delete 7 --yes',
  ];
  static override args = { id: idArg('Id of the network') };
  static override flags = { yes, 'as-user': asUser };

  async run() {
    const { args, flags } = await this.parse(VpnNetworkDelete);
    const context = await this.context();
    const { network } = await showNetwork(context, args.id);
    const name = `network ${network.id}, ${network.network} of ${network.username}`;
    await this.confirm(`Delete ${name}?`, flags);
    const deleted = await deleteNetwork(context, args.id);
    this.say(`Deleted ${name}.`);
    return { networks: [networkDocument(deleted)] };
  }
}
