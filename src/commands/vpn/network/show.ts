import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import { networkDocument, networkFields } from '../../../lib/cli/vpn-networks.ts';
import { showNetwork } from '../../../lib/ops/vpn-networks.ts';

export default class VpnNetworkShow extends BaseCommand {
  static override summary = 'Show a network and where its client connects to';
  static override examples = ['<%= config.bin %> vpn network show 1'];
  static override args = { id: idArg('Id of the network') };
  static override flags = { 'as-user': asUser };

  async run() {
    const { args } = await this.parse(VpnNetworkShow);
    const { network, pool } = await showNetwork(await this.context(), args.id);
    this.log(renderFields(networkFields(network, pool)));
    const document = networkDocument(network);
    return { network: document, networks: [document] };
  }
}
