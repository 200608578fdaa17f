import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, exitCode, hostname } from '../../lib/cli/flags.ts';
import { changeLines, interfaceDocument } from '../../lib/cli/vpn.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { reconcileHost } from '../../lib/ops/vpn-host.ts';

export default class Vpn extends BaseCommand {
  static override summary = 'Bring the WireGuard interfaces of this host to what the database says';
  static override description =
    `Run it on each VPN host, from cron for example: with nothing to change it prints and writes nothing. Links, peers,
routes and files that differ are repaired, and no client that stays is disturbed.
A row that is wrong, a file that is not ours and a plan that would cut most peers off are left alone, named, and end
the run with 3; everything else is done.`;
  static override examples = [
    '<%= config.bin %> vpn --hostname "$(hostname --fqdn)"',
    '<%= config.bin %> vpn --hostname vpn-1.example.net --dry-run --exit-code',
    '<%= config.bin %> vpn --hostname vpn-1.example.net --render-only --config-directory /srv/wireguard',
  ];
  static override flags = {
    hostname: hostname({ required: true, summary: 'The host whose pools are served' }),
    'render-only': Flags.boolean({ summary: 'Write the files and touch no interface' }),
    'config-directory': Flags.string({
      helpValue: 'DIRECTORY',
      summary: 'Where the files are; default: wireguard.config_directory, which is /etc/wireguard',
    }),
    prune: Flags.boolean({ summary: 'Remove peers also where that cuts most of an interface off' }),
    'dry-run': dryRun,
    'exit-code': exitCode,
  };

  async run() {
    const { flags } = await this.parse(Vpn);
    const isPlan = flags['dry-run'];
    const interfaces = await reconcileHost(await this.context(), {
      hostname: flags.hostname,
      directory: flags['config-directory'],
      renderOnly: flags['render-only'],
      dryRun: isPlan,
      prune: flags.prune,
    });
    const all = flags.verbose;
    let changed = false;
    for (const { interface: name, changes, due, done } of interfaces) {
      const told = isPlan ? (due ? changes : []) : done;
      changed ||= told.length > 0;
      for (const line of changeLines(name, told, { all })) this.log(line);
    }
    for (const { message, hint } of interfaces.flatMap(({ refused }) => refused)) {
      this.sayWarning(`${message}\n  ${hint}`);
    }
    for (const warning of new Set(interfaces.flatMap(({ warnings }) => warnings))) this.sayWarning(warning);
    if (isPlan && changed) this.say('This is the plan; nothing was changed.');
    if (interfaces.some(({ refused }) => refused.length > 0)) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, changed);
    return {
      hostname: flags.hostname,
      interfaces: interfaces.map(interfaceDocument),
      changed,
    };
  }
}
