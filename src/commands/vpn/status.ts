import { BaseCommand } from '../../lib/cli/command.ts';
import { hostname } from '../../lib/cli/flags.ts';
import { tunnelDocument, tunnelTable } from '../../lib/cli/vpn-status.ts';
import { readTunnels } from '../../lib/ops/vpn-status.ts';

export default class VpnStatus extends BaseCommand {
  static override summary = 'Show which clients of this host are connected';
  static override description =
    `Run it on the host: it reads the interfaces as wg show does, so it needs root or sudo.
live: a handshake in the last 180 seconds. stale: the last one is older, so the client is gone or has nothing to send.
never: none since the interface was made. absent: the interface lacks the client; run uncloud vpn.
A peer without an id is on the interface and not in the database: uncloud vpn removes it unless that is most of them.
Bytes are counted since the interface was made. With --json you also get public keys and endpoints.`;
  static override examples = [
    '<%= config.bin %> vpn status --hostname "$(hostname --fqdn)"',
    `<%= config.bin %> vpn status --hostname vpn-1.example.net --json | jq '.tunnels[] | select(.state == "stale")'`,
  ];
  static override flags = { hostname: hostname({ required: true, summary: 'The host that this is' }) };

  async run() {
    const { flags } = await this.parse(VpnStatus);
    const context = await this.context();
    const tunnels = await readTunnels(context, flags.hostname);
    if (tunnels.length > 0) this.log(tunnelTable(tunnels, context.now));
    else this.say(`The pools of ${flags.hostname} lend no network.`);
    const strangers = tunnels.filter(({ networkId }) => networkId === null).length;
    if (strangers > 0) {
      this.say(
        `Without an id: not in the database (${strangers}). The next run of uncloud vpn removes them or says why not.`,
      );
    }
    return { hostname: flags.hostname, tunnels: tunnels.map(tunnelDocument) };
  }
}
