import { BaseCommand } from '../../lib/cli/command.ts';
import { usernameArg } from '../../lib/cli/flags.ts';
import { personDocument, personFields } from '../../lib/cli/people.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { showUser } from '../../lib/ops/users.ts';

export default class UserShow extends BaseCommand {
  static override summary = 'Show one user with the billing address';
  static override description = 'Prints all that is stored about a user. What is not known shows as a dash.';
  static override examples = [
    '<%= config.bin %> user show nico',
    '<%= config.bin %> user show nico --json | jq ".user.billing_address.country"',
  ];
  static override args = { username: usernameArg };

  async run() {
    const { args } = await this.parse(UserShow);
    const person = await showUser(await this.context(), args.username);
    this.log(renderFields(personFields(person)));
    const document = personDocument(person);
    return { user: document, users: [document] };
  }
}
