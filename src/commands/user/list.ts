import { Flags } from '@oclif/core';
import { ListCommand } from '../../lib/cli/list-command.ts';
import { personDocument, personTable } from '../../lib/cli/people.ts';
import { listUsers } from '../../lib/ops/users.ts';

export default class UserList extends ListCommand {
  static override summary = 'List users';
  static override description =
    'Lists them in the order in which they were created, inactive users included unless a flag says otherwise.';
  static override examples = [
    '<%= config.bin %> user list',
    '<%= config.bin %> user list --staff --active',
    `<%= config.bin %> user list --no-active --json | jq -r '.users[].username'`,
  ];
  static override flags = {
    staff: Flags.boolean({ allowNo: true, summary: 'Only the staff, or only the others' }),
    active: Flags.boolean({ allowNo: true, summary: 'Only active users, or only the others' }),
  };

  async run() {
    const { flags } = await this.parse(UserList);
    const filter = { isStaff: flags.staff, isActive: flags.active };
    const context = await this.context();
    const none = 'There are no such users. Create one with: uncloud bootstrap-user --username NAME';
    const style = { name: 'users', document: personDocument, table: personTable, none };
    await this.list(style, (take) => listUsers(context, filter, take));
  }
}
