import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { personDocument } from '../../lib/cli/people.ts';
import { renderTable } from '../../lib/cli/table.ts';
import { listUsers } from '../../lib/ops/users.ts';

export default class UserList extends BaseCommand {
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
    const people = await listUsers(await this.context(), filter);
    const columns = [
      { title: 'username' },
      { title: 'full name', yields: true },
      { title: 'email', yields: true },
      { title: 'organization', yields: true, spare: 1 },
      { title: 'country' },
      { title: 'staff' },
      { title: 'active' },
    ];
    const rows = people.map(({ user, address }) => [
      user.username,
      user.fullName,
      user.email,
      address?.organization ?? null,
      address?.country ?? null,
      user.isStaff ? 'yes' : 'no',
      user.isActive ? 'yes' : 'no',
    ]);
    if (rows.length === 0)
      this.say('There are no such users. Create one with: uncloud bootstrap-user --username NAME');
    else this.log(renderTable(columns, rows));
    return { users: people.map(personDocument) };
  }
}
