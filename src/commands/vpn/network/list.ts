import { asUser, username } from '../../../lib/cli/flags.ts';
import { ListCommand } from '../../../lib/cli/list-command.ts';
import { networkDocument, networkTable, poolId } from '../../../lib/cli/vpn-networks.ts';
import { listNetworks } from '../../../lib/ops/vpn-networks.ts';

export default class VpnNetworkList extends ListCommand {
  static override summary = 'List the networks that are lent';
  static override examples = [
    '<%= config.bin %> vpn network list --user nico',
    '<%= config.bin %> vpn network list --pool 1 --json',
  ];
  static override flags = {
    user: username({ summary: 'Only the networks of this user' }),
    pool: poolId('Only the networks of this pool'),
    'as-user': asUser,
  };

  async run() {
    const { flags } = await this.parse(VpnNetworkList);
    const filter = { username: flags.user, poolId: flags.pool };
    const context = await this.context();
    const none = 'There are no such networks. Lend one with: uncloud vpn network create';
    const style = { name: 'networks', document: networkDocument, table: networkTable, none };
    await this.list(style, (take) => listNetworks(context, filter, take));
  }
}
