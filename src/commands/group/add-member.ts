import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { asUser, usernameArg } from '../../lib/cli/flags.ts';
import { groupArg, membersDocument, membershipWarning } from '../../lib/cli/groups.ts';
import { addMember } from '../../lib/ops/groups.ts';

export default class GroupAddMember extends BaseCommand {
  static override summary = "Take a user into a group, or change a member's rights";
  static override description =
    `An administrator sees and changes what belongs to the members, and lets members in and out.
In the name of a user (--as-user) it takes an administrator or the owner of the group.`;
  static override examples = [
    '<%= config.bin %> group add-member Gletscher beat',
    '<%= config.bin %> group add-member Gletscher anna --admin --as-user nico',
  ];
  static override args = { group: groupArg, username: usernameArg };
  static override flags = {
    admin: Flags.boolean({ allowNo: true, summary: 'Whether the member is an administrator' }),
    'as-user': asUser,
  };

  async run() {
    const { args, flags } = await this.parse(GroupAddMember);
    const { username } = args;
    const { group, members, changed } = await addMember(await this.context(), args.group, {
      username,
      isAdmin: flags.admin,
    });
    const isAdmin = members.some((member) => member.username === username && member.isAdmin);
    const state = `${username} is ${isAdmin ? 'an administrator' : 'a member'} of ${group.name}`;
    this.say(changed ? `${state} now.` : `${state} already; nothing changed.`);
    const warning = changed ? membershipWarning(group, username) : null;
    if (warning !== null) this.sayWarning(warning);
    return { group: membersDocument(group, members), changed };
  }
}
