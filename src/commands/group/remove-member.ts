import { BaseCommand } from '../../lib/cli/command.ts';
import { asUser, usernameArg } from '../../lib/cli/flags.ts';
import { groupArg, membersDocument, membershipWarning } from '../../lib/cli/groups.ts';
import { removeMember } from '../../lib/ops/groups.ts';

export default class GroupRemoveMember extends BaseCommand {
  static override summary = 'Take a user out of a group';
  static override description =
    'In the name of a user (--as-user) it takes an administrator or the owner of the group.';
  static override examples = [
    '<%= config.bin %> group remove-member Gletscher beat',
    '<%= config.bin %> group remove-member Gletscher beat --as-user nico',
  ];
  static override args = { group: groupArg, username: usernameArg };
  static override flags = { 'as-user': asUser };

  async run() {
    const { args } = await this.parse(GroupRemoveMember);
    const context = await this.context();
    const { group, members, changed } = await removeMember(context, args.group, args.username);
    this.say(
      changed
        ? `${args.username} is no member of ${group.name} any more.`
        : `${args.username} is no member of ${group.name}; nothing changed.`,
    );
    const warning = changed ? membershipWarning(group, args.username) : null;
    if (warning !== null) this.sayWarning(warning);
    return { group: membersDocument(group, members), changed };
  }
}
