import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { serviceArg, serviceDocument } from '../../lib/cli/services.ts';
import { verifyService } from '../../lib/ops/services.ts';

export default class ServiceVerify extends BaseCommand {
  static override summary = 'Check the secret of a service account';
  static override description = 'Ends with exit code 0 when it is the right one, and 1 when it is not.';
  static override examples = [
    '<%= config.bin %> service verify controller --secret-file controller.secret',
    '<%= config.bin %> service verify controller --secret-file - < controller.secret',
  ];
  static override args = { name: serviceArg };
  static override flags = {
    'secret-file': Flags.string({
      required: true,
      helpValue: 'FILE|-',
      summary: 'The secret: a file (mode 0600) or standard input',
    }),
  };

  async run() {
    const { args, flags } = await this.parse(ServiceVerify);
    const request = { name: args.name, secretFile: flags['secret-file'] };
    const service = await verifyService(await this.context(), request);
    this.say(`This is the secret of ${service.name}.`);
    return { service: serviceDocument(service) };
  }
}
