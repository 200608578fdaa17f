import { SecretCommand, secretFlags, serviceArg } from '../../lib/cli/services.ts';
import { rotateService } from '../../lib/ops/services.ts';

export default class ServiceRotate extends SecretCommand {
  static override summary = 'Give a service account another secret';
  static override description = 'The old secret counts for nothing from then on.';
  static override examples = [
    '<%= config.bin %> service rotate controller',
    '<%= config.bin %> service rotate controller --secret-file controller.secret --json',
  ];
  static override args = { name: serviceArg };
  static override flags = secretFlags;

  async run() {
    const { args, flags } = await this.parse(ServiceRotate);
    const context = await this.context();
    return this.give({ name: args.name, secretFile: flags['secret-file'] }, (request) =>
      rotateService(context, request),
    );
  }
}
