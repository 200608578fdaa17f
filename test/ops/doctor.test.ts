import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseIban } from '../../src/lib/core/iban.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { examine } from '../../src/lib/ops/doctor.ts';
import { setProvider } from '../../src/lib/ops/provider.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';

describeDatabases('doctor', (databases) => {
  it('looks at the files that links lead to', async () => {
    const [key, link] = [join(databases.folder, 'real.key'), join(databases.folder, 'linked.key')];
    await writeFile(key, 'x', { mode: 0o600 });
    await symlink(key, link);
    const modesOf = async () => {
      const findings = await examine(await databases.context({ config: { secrets: { key_file: link } } }));
      return findings.filter(({ subject }) => subject === link).map(({ id, message }) => `${id}: ${message}`);
    };
    expect(await modesOf()).toEqual(['file-mode: mode 0600']);
    await chmod(key, 0o604);
    expect(await modesOf()).toEqual([`file-mode: mode 0604: others can read "${link}"`]);
  });

  it('finds a file that cannot be looked at, and looks at the rest', async () => {
    const file = join(databases.folder, 'x'.repeat(300));
    const context = await databases.context({ config: { secrets: { key_file: file } } });
    const findings = await examine(context);
    expect(findings).toContainEqual(
      expect.objectContaining({ id: 'file-mode', level: 'error', subject: file }),
    );
    expect(findings).toContainEqual(expect.objectContaining({ id: 'schema', level: 'ok' }));
  });

  const partiesOf = async (context: TestContext) =>
    (await examine(context)).filter(({ id }) => ['seller', 'buyers'].includes(id));

  it('asks for nothing on bills before there is a seller', async () => {
    expect(await partiesOf(await databases.context())).toEqual([]);
  });

  it('tells what bills would leave out of seller and buyers', async () => {
    const context = await openWithCustomers(await databases.context(), 7);
    expect(await partiesOf(context)).toEqual([
      {
        id: 'seller',
        level: 'warning',
        subject: 'Example Hosting AG',
        message: 'bills leave out its street, postal code, city, VAT number, IBAN',
        fix: 'Set it for the bills to come with: uncloud provider set --street … --postal-code … --city … --vat-number … --iban …',
      },
      {
        id: 'buyers',
        level: 'warning',
        subject: 'users with orders',
        message: 'bills leave out a name, street or city: "u1", "u2", "u3", "u4", "u5" and 2 more',
        fix: 'Set them with: uncloud user update NAME --full-name … --street … --city …',
      },
    ]);
  });

  it('is content with names and addresses', async () => {
    const context = await openWithCustomers(await databases.context(), 2);
    await setProvider(context, {
      street: parseLine('street', 'Bahnhofstrasse 1'),
      postalCode: parseLine('postal_code', '8750'),
      city: parseLine('city', 'Glarus'),
      vatNumber: parseVatNumber('CHE-123.456.788 MWST'),
      iban: parseIban('CH9300762011623852957'),
    });
    const { kysely } = await context.db();
    await kysely.updateTable('billing_addresses').set({ street: 'Seeweg 7', city: 'Zürich' }).execute();
    await kysely.updateTable('users').set({ full_name: 'Nico' }).where('id', '=', 1).execute();
    await kysely
      .updateTable('billing_addresses')
      .set({ organization: 'GmbH' })
      .where('user_id', '=', 2)
      .execute();
    expect((await partiesOf(context)).map(({ level }) => level)).toEqual(['ok', 'ok']);
  });
});
