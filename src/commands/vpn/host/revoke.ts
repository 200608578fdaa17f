import { BaseCommand } from '../../../lib/cli/command.ts';
import { yes } from '../../../lib/cli/flags.ts';
import { hostnameArg, saidOf } from '../../../lib/cli/vpn-hosts.ts';
import { revokeHost } from '../../../lib/ops/vpn-host-roles.ts';

export default class VpnHostRevoke extends BaseCommand {
  static override summary = 'Drop the database role of a VPN host and end its sessions';
  static override description =
    'Its tunnels go on as they are; what is changed from now on does not reach it.';
  static override examples = ['<%= config.bin %> vpn host revoke vpn-1.example.net --yes'];
  static override args = { hostname: hostnameArg };
  static override flags = { yes };

  async run() {
    const { args, flags } = await this.parse(VpnHostRevoke);
    await this.confirm(`Drop the database role of ${args.hostname}?`, flags);
    const host = await revokeHost(await this.context(), args.hostname);
    this.say(saidOf(host));
    return { host };
  }
}
