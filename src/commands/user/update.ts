import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { fieldNames, saidOfChange } from '../../lib/cli/field-names.ts';
import { dayOrNone, orNull, territoryOrNone, username, usernameArg } from '../../lib/cli/flags.ts';
import {
  changeFromFlags,
  overwriteWarning,
  personDocument,
  personFields,
  personFlags,
} from '../../lib/cli/people.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { LANGUAGES } from '../../lib/core/user.ts';
import { updateUser } from '../../lib/ops/users.ts';

export default class UserUpdate extends BaseCommand {
  static override summary = 'Change fields of a user';
  static override description = `Changes what the flags name and nothing else; "" empties a field.
A VAT number counts for nothing until --vat-checked-on says on which day it was found valid, and another number
than before has to be checked anew; a VAT territory counts until the country is another one. The orders and tunnels of an inactive user go on until they are ended.
Bills already made keep the name and address that they were made with.

--username renames: orders, bills, networks and groups stay with the user. Files for user import and order import have
to use the new name from then on. An entry of the directory that is still there gives its own name back at the next sync.`;
  static override examples = [
    '<%= config.bin %> user update acme --street "Bahnhofstrasse 2"',
    '<%= config.bin %> user update beispiel --vat-number DE123456789 --vat-checked-on 2026-01-31',
    '<%= config.bin %> user update tirol --country AT --vat-territory AT-6691',
    '<%= config.bin %> user update nico --no-active',
    '<%= config.bin %> user update nico --username nico.old',
  ];
  static override args = { username: usernameArg };
  static override flags = {
    username: username({ summary: 'Another name for the user' }),
    ...personFlags,
    'vat-checked-on': dayOrNone({
      summary: 'Day on which the VAT number was found valid',
    }),
    'vat-territory': territoryOrNone({
      summary: 'Territory whose VAT rate applies, in place of the one of the address',
    }),
    language: Flags.option({ options: LANGUAGES, summary: 'Language of bills' })(),
    active: Flags.boolean({ allowNo: true, summary: 'Whether the user is still with us' }),
  };

  async run() {
    const { args, flags } = await this.parse(UserUpdate);
    const { user, address } = changeFromFlags(flags);
    const { person, changed } = await updateUser(await this.context(), args.username, {
      user: { ...user, username: flags.username, language: flags.language, isActive: flags.active },
      address: {
        ...address,
        vatCheckedOn: orNull(flags['vat-checked-on']),
        vatTerritory: orNull(flags['vat-territory']),
      },
    });
    this.log(renderFields(personFields(person)));
    this.say(saidOfChange(changed));
    const warning = overwriteWarning(person, changed);
    if (warning !== null) this.sayWarning(warning);
    const document = personDocument(person);
    return { user: document, users: [document], changed: fieldNames(changed) };
  }
}
