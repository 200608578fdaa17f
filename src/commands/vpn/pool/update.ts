import { BaseCommand } from '../../../lib/cli/command.ts';
import { fieldNames, saidOfChange } from '../../../lib/cli/field-names.ts';
import { asUser, dryRun, hostname, idArg, yes } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import {
  clientsOf,
  endpointOf,
  interfaceName,
  listenPort,
  moveAdvice,
  poolDocument,
  poolFields,
} from '../../../lib/cli/vpn-pools.ts';
import { updatePool } from '../../../lib/ops/vpn-pools.ts';

export default class VpnPoolUpdate extends BaseCommand {
  static override summary = 'Serve a pool on another host, interface or port';
  static override description =
    `Its prefix, key pair and networks stay. The next run of uncloud vpn on each host concerned does the rest, and clients
need the new host and port, which uncloud vpn network config has. docs/vpn-host.md says how to move a pool and how to
rename a host.`;
  static override examples = [
    '<%= config.bin %> vpn pool update 1 --hostname vpn-2.example.net --dry-run',
    '<%= config.bin %> vpn pool update 1 --hostname vpn-2.example.net --interface wg3 --yes',
    '<%= config.bin %> vpn pool update 1 --listen-port 443',
  ];
  static override args = { id: idArg('Id of the pool') };
  static override flags = {
    hostname: hostname({ summary: 'The host that serves the pool from now on' }),
    interface: interfaceName({ summary: 'Its interface there' }),
    'listen-port': listenPort({ summary: 'Its UDP port there' }),
    'dry-run': dryRun,
    yes,
    'as-user': asUser,
  };

  async run() {
    const { args, flags } = await this.parse(VpnPoolUpdate);
    const context = await this.context();
    const plan = flags['dry-run'];
    const change = {
      hostname: flags.hostname,
      interface: flags.interface,
      listenPort: flags['listen-port'],
    };
    const planned = await updatePool(context, args.id, change, { dryRun: true });
    const place = endpointOf(planned.pool);
    if (!plan && planned.pool.used > 0n && place !== endpointOf(planned.before))
      await this.confirm(`Move pool ${args.id} with ${clientsOf(planned.pool)} to ${place}?`, flags);
    const moved = plan ? planned : await updatePool(context, args.id, change);
    const { pool, changed } = moved;
    this.log(renderFields(poolFields(pool)));
    this.say(saidOfChange(changed, plan ? 'Would change' : 'Changed'));
    for (const sentence of moveAdvice(moved)) this.say(sentence);
    return { pool: poolDocument(pool), changed: fieldNames(changed) };
  }
}
