import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg, yes } from '../../../lib/cli/flags.ts';
import { poolDocument } from '../../../lib/cli/vpn-pools.ts';
import { formatPrefix } from '../../../lib/core/prefix.ts';
import { deletePool, showPool } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolDelete extends BaseCommand {
  static override summary = 'Delete a pool that lends no network';
  static override description =
    'Its private key is deleted with it. A pool that still lends networks is refused.';
  static override examples = [
    '<%= config.bin %> vpn pool delete 1',
    '<%= config.bin %> vpn pool delete 1 --yes',
  ];
  static override args = { id: idArg('Id of the pool') };
  static override flags = { yes, 'as-user': asUser };

  async run() {
    const { args, flags } = await this.parse(VpnPoolDelete);
    const context = await this.context();
    const { pool } = await showPool(context, args.id);
    const name = `pool ${pool.id}, ${formatPrefix(pool.prefix)} on ${pool.hostname}`;
    await this.confirm(`Delete ${name}, with its private key?`, flags);
    const deleted = await deletePool(context, args.id);
    this.say(`Deleted ${name}.`);
    const document = poolDocument(deleted);
    return { pool: document, pools: [document] };
  }
}
