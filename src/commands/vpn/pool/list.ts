import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, hostname } from '../../../lib/cli/flags.ts';
import { poolDocument, poolTable } from '../../../lib/cli/vpn-pools.ts';
import { listPools } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolList extends BaseCommand {
  static override summary = 'List the pools and how full they are';
  static override examples = [
    '<%= config.bin %> vpn pool list',
    '<%= config.bin %> vpn pool list --hostname vpn-1.example.net --json',
  ];
  static override flags = {
    hostname: hostname({ summary: 'Only the pools of this host' }),
    'as-user': asUser,
  };

  async run() {
    const { flags } = await this.parse(VpnPoolList);
    const pools = await listPools(await this.context(), flags.hostname);
    if (pools.length > 0) this.log(poolTable(pools));
    else this.say('There are no such pools. Create one with: uncloud vpn pool create');
    return { pools: pools.map(poolDocument) };
  }
}
