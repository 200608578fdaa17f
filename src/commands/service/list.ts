import { BaseCommand } from '../../lib/cli/command.ts';
import { serviceDocument, serviceTable } from '../../lib/cli/services.ts';
import { listServices } from '../../lib/ops/services.ts';

export default class ServiceList extends BaseCommand {
  static override summary = 'List the service accounts';
  static override examples = [
    '<%= config.bin %> service list',
    `<%= config.bin %> service list --json | jq -r '.services[].name'`,
  ];

  async run() {
    await this.parse(ServiceList);
    const services = await listServices(await this.context());
    if (services.length > 0) this.log(serviceTable(services));
    else this.say('There is no service account. Create one with: uncloud service create NAME');
    return { services: services.map(serviceDocument) };
  }
}
