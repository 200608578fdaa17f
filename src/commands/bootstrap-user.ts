import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/cli/command.ts';
import { fieldNames } from '../lib/cli/field-names.ts';
import { username as usernameFlag } from '../lib/cli/flags.ts';
import {
  addressDocument,
  changeFromFlags,
  personFields,
  personFlags,
  userDocument,
} from '../lib/cli/people.ts';
import { renderFields } from '../lib/cli/table.ts';
import { bootstrapUser } from '../lib/ops/users.ts';

export default class BootstrapUser extends BaseCommand {
  static override summary = 'Create a user with the billing address, or bring one up to date';
  static override description =
    `With a directory configured (ldap.url), the name, the mail address, the billing address and the entry of the user
are read from there, and nobody is created whom it does not know; flags outweigh it. --no-ldap asks the flags only.

A new user belongs to the staff unless --no-staff is given or ldap.staff_group_dn names a group without the user.
An existing user keeps everything that neither a flag nor the directory names, so the same line can be run again and
again. A billing address needs a country; without one there is none.`;
  static override examples = [
    '<%= config.bin %> bootstrap-user --username nico',
    '<%= config.bin %> bootstrap-user --username nico --no-ldap --full-name "Nico Schottelius" --email nico@example.net',
    '<%= config.bin %> bootstrap-user --username acme --no-staff --organization "Acme AG" --street "Bahnhofstrasse 1" --postal-code 8001 --city Zürich --country CH',
    '<%= config.bin %> bootstrap-user --username beispiel --no-staff --country DE --vat-number DE123456789',
  ];
  static override flags = {
    username: usernameFlag({ required: true, summary: 'Name that the user logs in with' }),
    ...personFlags,
    ldap: Flags.boolean({
      allowNo: true,
      default: true,
      summary: 'Look the user up in the configured directory; --no-ldap: use the flags only',
    }),
    relink: Flags.boolean({
      summary: 'Take an entry made anew, with the login of a user whose entry is gone, for the same person',
    }),
  };

  async run() {
    const { flags } = await this.parse(BootstrapUser);
    const change = { ...changeFromFlags(flags), local: !flags.ldap, relink: flags.relink };
    const { person, created, changed } = await bootstrapUser(await this.context(), flags.username, change);
    const { username } = person.user;
    this.log(renderFields(personFields(person)));
    if (created) this.say(`Created the user ${username}.`);
    else if (changed.length === 0) this.say(`The user ${username} exists already; nothing changed.`);
    else this.say(`The user ${username} exists already; changed: ${fieldNames(changed).join(', ')}.`);
    return {
      user: userDocument(person),
      created,
      changed: fieldNames(changed),
      billing_address: addressDocument(person.address),
    };
  }
}
