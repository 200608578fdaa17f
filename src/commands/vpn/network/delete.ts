import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, dryRun, parsedArgs, yes } from '../../../lib/cli/flags.ts';
import { networkDocument, networksName, networkTable } from '../../../lib/cli/vpn-networks.ts';
import { parseId } from '../../../lib/core/id.ts';
import { deleteNetworks } from '../../../lib/ops/vpn-networks.ts';

export default class VpnNetworkDelete extends BaseCommand {
  static override summary = 'Take networks back';
  static override description =
    `All of them are taken back or, when one cannot be, none. The next run of uncloud vpn on their host ends the tunnels.
A network is lent again after all others of its pool.`;
  static override examples = [
    '<%= config.bin %> vpn network delete 7',
    '<%= config.bin %> vpn network delete 7 8 9 --dry-run',
    '<%= config.bin %> vpn network delete 7 8 9 --yes',
  ];
  static override args = { id: parsedArgs('Ids of networks', parseId) };
  static override flags = { 'dry-run': dryRun, yes, 'as-user': asUser };

  async run() {
    const { args, flags } = await this.parse(VpnNetworkDelete);
    const context = await this.context();
    const networks = await deleteNetworks(context, args.id, { dryRun: true });
    const what = networksName(networks);
    if (flags['dry-run']) {
      this.log(networkTable(networks));
      this.say(`Would delete ${what}.`);
    } else {
      await this.confirm(`Delete ${what}?`, flags);
      await deleteNetworks(context, args.id);
      this.say(`Deleted ${what}.`);
    }
    return { networks: networks.map(networkDocument) };
  }
}
