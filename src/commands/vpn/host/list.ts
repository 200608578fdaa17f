import { BaseCommand } from '../../../lib/cli/command.ts';
import { hostDocument, hostTable } from '../../../lib/cli/vpn-hosts.ts';
import { listHosts } from '../../../lib/ops/vpn-host-roles.ts';

export default class VpnHostList extends BaseCommand {
  static override summary = 'List the VPN hosts that have a database role';
  static override examples = ['<%= config.bin %> vpn host list', '<%= config.bin %> vpn host list --json'];

  async run() {
    await this.parse(VpnHostList);
    const hosts = await listHosts(await this.context());
    if (hosts.length > 0) this.log(hostTable(hosts));
    else this.say('No host has a role. Make one with: uncloud vpn host grant FQDN --password-file FILE');
    return { hosts: hosts.map(hostDocument) };
  }
}
