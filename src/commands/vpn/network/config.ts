import { Flags } from '@oclif/core';
import { BaseCommand } from '../../../lib/cli/command.ts';
import { asUser, idArg } from '../../../lib/cli/flags.ts';
import { drawQrCode } from '../../../lib/cli/qr-code.ts';
import { isPlain } from '../../../lib/cli/table.ts';
import { clientConfig } from '../../../lib/ops/vpn-client-config.ts';

export default class VpnNetworkConfig extends BaseCommand {
  static override summary = 'Print the WireGuard configuration of a client';
  static override description =
    `It is a file for wg-quick. Without --private-key-file the private key is a placeholder, which the client replaces.
With the key the configuration is a secret: it is printed, or goes to a new file with mode 0600.`;
  static override examples = [
    '<%= config.bin %> vpn network config 7 > wg0.conf',
    '<%= config.bin %> vpn network config 7 --private-key-file privatekey --output /etc/wireguard/wg0.conf',
    '<%= config.bin %> vpn network config 7 --private-key-file privatekey --qr',
  ];
  static override args = { id: idArg('Id of the network') };
  static override flags = {
    'private-key-file': Flags.string({
      helpValue: 'FILE|-',
      summary: 'The private key of the client: a file (mode 0600) or standard input',
    }),
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE|-',
      summary: 'A new file, mode 0600, or standard output, the default',
    }),
    'as-user': asUser,
    qr: Flags.boolean({
      exclusive: ['output'],
      summary: 'Draw it for the camera of a phone; needs --private-key-file, as a phone cannot put a key in',
    }),
  };

  async run() {
    const { args, flags } = await this.parse(VpnNetworkConfig);
    const output = flags.output === undefined || flags.output === '-' ? null : flags.output;
    const config = await clientConfig(await this.context(), {
      networkId: args.id,
      privateKeyFile: flags['private-key-file'] ?? null,
      forPhone: flags.qr,
      output,
    });
    if (output !== null) {
      this.say(`Wrote ${output}.`);
      return { config: null, output };
    }
    this.log(flags.qr ? await drawQrCode(config, { plain: isPlain() }) : config.trimEnd());
    return { config, output };
  }
}
