import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';

const CREATED = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

describeDatabases('people at the command line', (databases) => {
  it('bootstrap-user creates, then finds nothing to do', async () => {
    const url = await databases.freshUrl();
    const args = [
      'bootstrap-user',
      '--username',
      'nico',
      '--full-name',
      'Nico S.',
      '--city',
      'Glarus',
      '--country',
      'ch',
    ];
    const first = await uncloud(args, { url });
    expect({ ...first, stdout: first.stdout.replace(CREATED, 'NOW') }).toEqual({
      code: 0,
      stderr: 'Created the user nico.\n',
      stdout: `Username       nico
Id             1
Full name      Nico S.
Email          –
Staff          yes
Active         yes
Language       en
Created        NOW
Directory      –
Organization   –
Address        Glarus
Country        CH
VAT number     –
VAT territory  –
`,
    });
    const again = await uncloud(args, { url });
    expect(again).toEqual({ ...first, stderr: 'The user nico exists already; nothing changed.\n' });
    const updated = await uncloudJson([...args, '--vat-number', 'CHE123456788', '--no-staff'], { url });
    expect(updated).toEqual({
      schema_version: 1,
      user: {
        id: 1,
        username: 'nico',
        full_name: 'Nico S.',
        email: '',
        language: 'en',
        is_staff: false,
        is_active: true,
        created_at: expect.stringMatching(CREATED),
        directory: null,
      },
      created: false,
      changed: ['is_staff', 'vat_number'],
      billing_address: {
        organization: '',
        street: '',
        city: 'Glarus',
        postal_code: '',
        country: 'CH',
        vat_number: 'CHE-123.456.788',
        vat_checked_on: null,
        vat_territory: null,
      },
    });
  });

  it('bootstrap-user creates one user, however many run at the same time', async () => {
    const url = await databases.freshUrl();
    const args = ['bootstrap-user', '--username', 'nico', '--country', 'CH'];
    const documents = await Promise.all(Array.from({ length: 6 }, () => uncloudJson(args, { url })));
    expect(documents.filter(({ created }) => created)).toHaveLength(1);
    expect((await uncloudJson(['user', 'list'], { url })).users).toHaveLength(1);
  });

  it('user update says what changed, and none takes away', async () => {
    const url = await databases.freshUrl();
    await uncloudJson(
      ['bootstrap-user', '--username', 'acme', '--country', 'AT', '--vat-number', 'ATU12345678'],
      { url },
    );
    const update = ['user', 'update', 'acme'];
    const checked = await uncloud(
      [...update, '--vat-checked-on', '2025-03-01', '--vat-territory', 'AT-6691'],
      { url },
    );
    expect(checked.stderr).toBe('Changed: vat_checked_on, vat_territory.\n');
    expect(checked.stdout).toContain(
      'VAT number     ATU12345678 (checked on 2025-03-01)\nVAT territory  AT-6691\n',
    );
    const cleared = await uncloudJson([...update, '--vat-number', '', '--vat-territory', 'none'], { url });
    expect(cleared.changed).toEqual(['vat_number', 'vat_checked_on', 'vat_territory']);
    expect(await uncloud([...update, '--country', 'XX'], { url })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'Error: --country: "XX" is not a country code.\n' +
        '  Use two letters of ISO 3166-1, for example CH, DE or GR.\n',
    });
    const unknown = await uncloudJson(['user', 'show', 'acne'], { url, code: 1 });
    expect(unknown.error).toMatchObject({ code: 'UNKNOWN_USER', exit: 1 });
    const { users } = await uncloudJson(['user', 'list'], { url });
    expect(users).toEqual(cleared.users);
    expect((await uncloud(['user', 'list'], { url })).stdout).toBe(
      'USERNAME  FULL NAME  EMAIL  ORGANIZATION  COUNTRY  STAFF  ACTIVE\n' +
        'acme                                      AT       yes    yes\n',
    );
  });

  it('user import is refused whole, done in part, and done once', async () => {
    const url = await databases.freshUrl();
    const file = join(databases.folder, 'users.csv');
    await writeFile(
      file,
      '\ufeffusername,email,country\r\nanna,anna@example.ch,CH\r\nbob,bob,CH\r\nanna,,\r\n',
    );
    const table =
      'LINE  COLUMN    REASON\n' +
      '   3  email     "bob" is not a mail address.\n' +
      '   4  username  The username "anna" stands in line 2 already.\n';
    const cures =
      'email: Write the bare address, for example nico@example.net.\n' +
      'username: Keep one of the two rows.\n';
    expect(await uncloud(['user', 'import', file], { url })).toEqual({
      code: 1,
      stdout: table,
      stderr:
        cures +
        `Error: "${file}" has 2 faulty rows, so nothing was imported; ` +
        'the first is in line 3: "bob" is not a mail address.\n' +
        '  Correct the file and import it again, or import all other rows with --partial.\n',
    });
    expect(await uncloudJson(['user', 'list'], { url })).toMatchObject({ users: [] });
    expect(await uncloud(['user', 'import', file, '--partial'], { url })).toEqual({
      code: 3,
      stdout: table,
      stderr: `${cures}Imported users: 1 inserted, 0 updated, 0 unchanged, 2 refused.\n`,
    });
    const good = { url, stdin: 'username,country\nanna,CH\nbob,DE\n' };
    expect((await uncloud(['user', 'import', '-', '--dry-run', '--exit-code'], good)).code).toBe(4);
    expect(await uncloudJson(['user', 'import', '-'], good)).toEqual({
      schema_version: 1,
      rows: 2,
      inserted: 1,
      updated: 0,
      unchanged: 1,
      refused_rows: 0,
      refused: [],
    });
    expect(await uncloud(['user', 'import', '-', '--dry-run', '--exit-code'], good)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Nothing to change: all 2 users are as in the file.\n',
    });
    const twin = await uncloud(['user', 'import', '-'], { url, stdin: 'username\nAnna\n' });
    expect(twin.stdout).toContain('There is no user "Anna", but "anna", whose name differs in case only.');
    expect(await uncloudJson(['user', 'list'], { url })).toMatchObject({ users: { length: 2 } });
    const empty = await uncloud(['user', 'import', '-'], { url, stdin: 'username,country\n' });
    expect(empty).toEqual({ code: 0, stdout: '', stderr: 'Nothing to import: the file has no rows.\n' });
  });
});
