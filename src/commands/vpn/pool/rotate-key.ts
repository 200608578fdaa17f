import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg, yes } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import { clientsOf, poolDocument, poolFields, privateKeyFlags } from '../../../lib/cli/vpn-pools.ts';
import { rotatePoolKey, showPool } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolRotateKey extends BaseCommand {
  static override summary = 'Give a pool another key pair';
  static override description =
    `Every client of the pool is cut off by the next run of uncloud vpn on its host, until it is given the new public
key, which is printed; uncloud vpn network config ID has it too. The old private key is deleted.`;
  static override examples = [
    '<%= config.bin %> vpn pool rotate-key 1 --generate-key',
    'wg genkey | <%= config.bin %> vpn pool rotate-key 1 --private-key-file - --yes',
  ];
  static override args = { id: idArg('Id of the pool') };
  static override flags = {
    ...privateKeyFlags('the new private key'),
    yes,
    'as-user': asUser,
  };

  async run() {
    const { args, flags } = await this.parse(VpnPoolRotateKey);
    const context = await this.context();
    const { pool: before } = await showPool(context, args.id);
    const clients = clientsOf(before);
    if (before.used > 0n) await this.confirm(`Cut off the ${clients} of pool ${before.id}?`, flags);
    const { pool, changed } = await rotatePoolKey(context, args.id, flags['private-key-file'] ?? null);
    this.log(renderFields(poolFields(pool)));
    if (!changed) this.say(`Pool ${pool.id} has this key already; nothing changed.`);
    else if (pool.used === 0n) this.say(`Pool ${pool.id} has the new key.`);
    else {
      const need = pool.used === 1n ? 'needs' : 'need';
      this.sayWarning(`${clients} of pool ${pool.id} ${need} the new public key: ${pool.publicKey}`);
    }
    const document = poolDocument(pool);
    return { pool: document, pools: [document], changed };
  }
}
