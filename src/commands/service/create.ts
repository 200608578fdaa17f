import { SecretCommand, secretFlags, serviceArg } from '../../lib/cli/services.ts';
import { createService } from '../../lib/ops/services.ts';

export default class ServiceCreate extends SecretCommand {
  static override summary = 'Create a service account: for a program that acts for us';
  static override description =
    `Such a program proves with its secret who it is; check that with uncloud service verify. The secret has 256 random
bits and is shown this once: the database keeps its SHA-256.`;
  static override examples = [
    '<%= config.bin %> service create controller',
    '<%= config.bin %> service create controller --secret-file controller.secret',
  ];
  static override args = { name: serviceArg };
  static override flags = secretFlags;

  async run() {
    const { args, flags } = await this.parse(ServiceCreate);
    const context = await this.context();
    return this.give({ name: args.name, secretFile: flags['secret-file'] }, (request) =>
      createService(context, request),
    );
  }
}
