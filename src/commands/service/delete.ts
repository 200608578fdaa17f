import { BaseCommand } from '../../lib/cli/command.ts';
import { yes } from '../../lib/cli/flags.ts';
import { serviceArg, serviceDocument } from '../../lib/cli/services.ts';
import { deleteService, showService } from '../../lib/ops/services.ts';

export default class ServiceDelete extends BaseCommand {
  static override summary = 'Delete a service account';
  static override description = 'Its secret counts for nothing from then on.';
  static override examples = [
    '<%= config.bin %> service delete controller',
    '<%= config.bin %> service delete controller --yes',
  ];
  static override args = { name: serviceArg };
  static override flags = { yes };

  async run() {
    const { args, flags } = await this.parse(ServiceDelete);
    const context = await this.context();
    const { name } = await showService(context, args.name);
    await this.confirm(`Delete the service account ${name}?`, flags);
    const deleted = await deleteService(context, name);
    this.say(`Deleted the service account ${name}.`);
    return { service: serviceDocument(deleted) };
  }
}
