import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import { poolDocument, poolFields, poolUsage } from '../../../lib/cli/vpn-pools.ts';
import { showPool } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolShow extends BaseCommand {
  static override summary = 'Show a pool and draw which of its networks are used';
  static override examples = [
    '<%= config.bin %> vpn pool show 1',
    '<%= config.bin %> vpn pool show 1 --json | jq -r ".pool.used"',
  ];
  static override args = { id: idArg('Id of the pool') };
  static override flags = { 'as-user': asUser };

  async run() {
    const { args } = await this.parse(VpnPoolShow);
    const { pool, usedSlots } = await showPool(await this.context(), args.id);
    this.log(`${renderFields(poolFields(pool))}\n\n${poolUsage(pool, usedSlots)}`);
    const document = poolDocument(pool);
    return { pool: document, pools: [document] };
  }
}
