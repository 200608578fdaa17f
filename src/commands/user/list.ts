import { BaseCommand } from '../../lib/cli/command.ts';
import { personDocument } from '../../lib/cli/people.ts';
import { renderTable } from '../../lib/cli/table.ts';
import { listUsers } from '../../lib/ops/users.ts';

export default class UserList extends BaseCommand {
  static override summary = 'List all users';
  static override description =
    'Lists everybody in the order in which they were created, inactive users included.';
  static override examples = [
    '<%= config.bin %> user list',
    `<%= config.bin %> user list --json | jq -r '.users[] | select(.is_staff) | .username'`,
  ];

  async run() {
    await this.parse(UserList);
    const people = await listUsers(await this.context());
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
      this.say('There are no users yet. Create one with: uncloud bootstrap-user --username NAME');
    else this.log(renderTable(columns, rows));
    return { users: people.map(personDocument) };
  }
}
