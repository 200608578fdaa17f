import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { importUsers as importAll } from '../../src/lib/ops/user-import.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listUsers } from '../support/lists.ts';

const HEADER = 'username,full_name,email,organization,street,city,postal_code,country,vat_number';
const DEFAULTS = { partial: false, dryRun: false };

const importUsers = (context: TestContext, file: string, options: Omit<ImportOptions, 'file'>) =>
  importAll(context, { file, ...options });

describeDatabases('user import', (databases) => {
  let files = 0;

  async function fileOf(...lines: string[]): Promise<string> {
    files += 1;
    const file = join(databases.folder, `users-${files}.csv`);
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  }

  const people = async (context: TestContext) =>
    (await listUsers(context)).map(({ user, address }) => [
      user.username,
      user.fullName,
      address?.country ?? null,
    ]);

  it('refuses new users whose names differ from others in case only', async () => {
    const context = await databases.context();
    await importUsers(context, await fileOf('username', 'Anna', 'bob', 'Äda'), DEFAULTS);
    const file = await fileOf(
      'username',
      'anna',
      'Bob',
      'äda',
      'Anna',
      'carl',
      'CARL',
      'Dora',
      'dora',
      'bob',
    );
    for (const dryRun of [true, false]) {
      const outcome = await importUsers(context, file, { ...DEFAULTS, partial: true, dryRun });
      expect(outcome).toMatchObject({ inserted: 2, unchanged: 2, refusedRows: 5 });
      expect(outcome.refused.map(({ line, code, reason }) => [line, code, reason])).toEqual(
        [
          [2, '"anna", but "Anna"'],
          [3, '"Bob", but "bob"'],
          [4, '"äda", but "Äda"'],
          [7, '"CARL", but the one of line 6'],
          [9, '"dora", but the one of line 8'],
        ].map(([line, names]) => [
          line,
          'USERNAME_CASE',
          `There is no user ${names}, whose name differs in case only.`,
        ]),
      );
    }
    expect((await people(context)).map(([name]) => name)).toEqual(['Anna', 'bob', 'Äda', 'carl', 'Dora']);
  });

  it('tells such names apart in a file of several batches, wherever they stand', async () => {
    const context = await databases.context();
    await importUsers(context, await fileOf('username', 'Anna', 'bob'), DEFAULTS);
    const others = Array.from({ length: 6000 }, (_, at) => `user${at}`);
    const file = await fileOf(
      'username',
      'carl',
      'Dora',
      'bob',
      ...others,
      'CARL',
      'dora',
      'Bob',
      'anna',
      'Carl',
    );
    for (const dryRun of [true, false]) {
      const outcome = await importUsers(context, file, { ...DEFAULTS, partial: true, dryRun });
      expect(outcome).toMatchObject({ inserted: 6002, unchanged: 1, refusedRows: 5 });
      expect(
        outcome.refused.map(({ line, reason }) => [line, reason.split('but ')[1]?.split(',')[0]]),
      ).toEqual([
        [6005, 'the one of line 2'],
        [6006, 'the one of line 3'],
        [6007, 'the one of line 4'],
        [6008, '"Anna"'],
        [6009, 'the one of line 2'],
      ]);
    }
  });

  it('inserts, and the same file again changes nothing', async () => {
    const context = await databases.context();
    const file = await fileOf(
      HEADER,
      'anna,"Anna Muster, Dr.",anna@example.ch,Muster AG,Gasse 1,Glarus,8750,ch,CHE-123.456.788 MWST',
      'bob,Bob,,,,,,,',
    );
    const counts = { rows: 2, refused: [], refusedRows: 0 };
    expect(await importUsers(context, file, DEFAULTS)).toEqual({
      ...counts,
      inserted: 2,
      updated: 0,
      unchanged: 0,
    });
    const before = await listUsers(context);
    expect(before[0]).toMatchObject({
      user: { fullName: 'Anna Muster, Dr.', isStaff: false, isActive: true },
      address: {
        organization: 'Muster AG',
        postalCode: '8750',
        country: 'CH',
        vatNumber: 'CHE-123.456.788 MWST',
      },
    });
    expect(before[1]?.address).toBeNull();
    expect(await importUsers(context.at('2026-01-01'), file, DEFAULTS)).toEqual({
      ...counts,
      inserted: 0,
      updated: 0,
      unchanged: 2,
    });
    expect(await listUsers(context)).toEqual(before);
  });

  it('updates what the file names: empty cells and absent columns stay as they are', async () => {
    const context = await databases.context();
    await importUsers(
      context,
      await fileOf(HEADER, 'anna,Anna,anna@example.ch,,,Glarus,8750,CH,', 'bob,Bob,,,,,,,'),
      DEFAULTS,
    );
    const update = await fileOf('city,username,country', ',anna,DE', 'Bern,bob,CH', 'Chur,carl,CH');
    expect(await importUsers(context, update, DEFAULTS)).toMatchObject({
      inserted: 1,
      updated: 2,
      unchanged: 0,
    });
    const [anna, bob, carl] = await listUsers(context);
    expect(anna).toMatchObject({
      user: { email: 'anna@example.ch' },
      address: { city: 'Glarus', postalCode: '8750', country: 'DE' },
    });
    expect(bob).toMatchObject({ user: { fullName: 'Bob' }, address: { city: 'Bern', country: 'CH' } });
    expect(carl).toMatchObject({ user: { fullName: '' }, address: { city: 'Chur', country: 'CH' } });
  });

  it('takes the day on which a VAT number was checked, and the language of bills', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    const header = 'username,country,vat_number,vat_checked_on,language';
    const file = await fileOf(header, 'anna,DE,DE123456789,2025-01-31,de', 'bob,DE,DE123456789,,');
    expect(await importUsers(context, file, DEFAULTS)).toMatchObject({ inserted: 2 });
    expect(await listUsers(context)).toMatchObject([
      { user: { language: 'de' }, address: { vatCheckedOn: '2025-01-31' } },
      { user: { language: 'en' }, address: { vatCheckedOn: null } },
    ]);
    expect(await importUsers(context, file, DEFAULTS)).toMatchObject({ unchanged: 2 });
    const other = await fileOf(header, 'anna,,DE987654321,,en', 'bob,,,2025-02-01,');
    expect(await importUsers(context, other, DEFAULTS)).toMatchObject({ updated: 2 });
    expect(await listUsers(context)).toMatchObject([
      { user: { language: 'en' }, address: { vatNumber: 'DE987654321', vatCheckedOn: null } },
      { user: { language: 'en' }, address: { vatNumber: 'DE123456789', vatCheckedOn: '2025-02-01' } },
    ]);
    const faulty = await fileOf(
      header,
      'carl,CH,,2025-02-30,fr',
      'dora,CH,,2025-02-28,',
      'emil,,,2025-02-28,',
      'fred,DE,DE123456789,2062-01-31,',
    );
    const error = await importUsers(context, faulty, DEFAULTS).catch((thrown) => thrown);
    expect(brief(error.data.refused)).toEqual([
      [2, 'vat_checked_on', 'INVALID_DAY'],
      [2, 'language', 'UNKNOWN_LANGUAGE'],
      [3, 'vat_number', 'NO_VAT_NUMBER'],
      [4, 'country', 'ADDRESS_NEEDS_COUNTRY'],
      [5, 'vat_checked_on', 'VAT_CHECK_IN_FUTURE'],
    ]);
  });

  const FAULTY = [
    HEADER,
    'anna,Anna,,,,,,CH,',
    'b b,Bob,,,,,,,',
    'carl,Carl,carl,,,,,,',
    'dora,Dora,,,,Bern,,,',
    'anna,Again,,,,,,,',
    'emil,Emil,,,,,,Switzerland,',
    'fay,Fay,,,,,,DE,DE12',
    'gus,Gus,,,,,,DE,12345',
    ',Nobody,,,,,,,',
    'hal,Hal',
    'ida,Ida,,,,,,CH,',
  ];
  const REFUSED = [
    [3, 'username', 'INVALID_USERNAME'],
    [4, 'email', 'INVALID_EMAIL'],
    [5, 'country', 'ADDRESS_NEEDS_COUNTRY'],
    [6, 'username', 'DUPLICATE_ROW'],
    [7, 'country', 'UNKNOWN_COUNTRY'],
    [8, 'vat_number', 'INVALID_VAT_NUMBER'],
    [9, 'vat_number', 'INVALID_VAT_NUMBER'],
    [10, 'username', 'EMPTY_CELL'],
    [11, null, 'CELL_COUNT'],
  ];
  const brief = (refused: readonly { line: number; field: string | null; code: string }[]) =>
    refused.map(({ line, field, code }) => [line, field, code]);

  it('refuses the whole file for its faulty rows, and lists them all', async () => {
    const context = await databases.context();
    const file = await fileOf(...FAULTY);
    for (const dryRun of [true, false]) {
      const error = await importUsers(context, file, { partial: false, dryRun }).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'IMPORT_REFUSED', exit: 1, data: { rows: 11, refused_rows: 9 } });
      expect(brief(error.data.refused)).toEqual(REFUSED);
      expect(error.data.refused[3]).toMatchObject({
        value: 'anna',
        reason: 'The username "anna" stands in line 2 already.',
      });
    }
    expect(await listUsers(context)).toEqual([]);
  });

  it('imports the good rows when asked to', async () => {
    const context = await databases.context();
    const file = await fileOf(...FAULTY);
    const result = await importUsers(context, file, { ...DEFAULTS, partial: true });
    expect(result).toMatchObject({ rows: 11, inserted: 2, updated: 0, unchanged: 0, refusedRows: 9 });
    expect(brief(result.refused)).toEqual(REFUSED);
    expect(await people(context)).toEqual([
      ['anna', 'Anna', 'CH'],
      ['ida', 'Ida', 'CH'],
    ]);
    const again = await importUsers(context, file, { ...DEFAULTS, partial: true });
    expect(again).toMatchObject({ inserted: 0, updated: 0, unchanged: 2, refusedRows: 9 });
  });

  it('plans without writing', async () => {
    const context = await databases.context();
    const file = await fileOf(HEADER, 'anna,Anna,,,,,,CH,');
    expect(await importUsers(context, file, { ...DEFAULTS, dryRun: true })).toMatchObject({ inserted: 1 });
    expect(await listUsers(context)).toEqual([]);
  });

  it('rolls back what came before a fault, over batches', async () => {
    const context = await databases.context();
    const good = Array.from({ length: 3000 }, (_, index) => `user${index},Name ${index},,,,,,CH,`);
    const error = await importUsers(context, await fileOf(HEADER, ...good, 'x y,,,,,,,,'), DEFAULTS).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'IMPORT_REFUSED', data: { rows: 3001, refused_rows: 1 } });
    expect(await listUsers(context)).toEqual([]);
    const file = await fileOf(HEADER, ...good);
    expect(await importUsers(context, file, DEFAULTS)).toMatchObject({ inserted: 3000 });
    const renamed = await fileOf(
      'username,full_name',
      ...good.map((_, index) => `user${index},New ${index}`),
    );
    expect(await importUsers(context, renamed, DEFAULTS)).toMatchObject({ updated: 3000 });
    expect((await people(context))[2999]).toEqual(['user2999', 'New 2999', 'CH']);
  });

  it('finds a duplicate whose first row is itself refused, and far away', async () => {
    const context = await databases.context();
    const between = Array.from({ length: 2500 }, (_, index) => `user${index},,,,,,,,`);
    const file = await fileOf(HEADER, 'anna,,,,,,,XX,', ...between, 'anna,,,,,,,CH,');
    const result = await importUsers(context, file, { ...DEFAULTS, partial: true });
    expect(brief(result.refused)).toEqual([
      [2, 'country', 'UNKNOWN_COUNTRY'],
      [2503, 'username', 'DUPLICATE_ROW'],
    ]);
  });

  it('refuses files that are no CSV of users', async () => {
    const context = await databases.context();
    const refusal = async (...lines: string[]) => importUsers(context, await fileOf(...lines), DEFAULTS);
    await expect(refusal('username,password', 'a,b')).rejects.toMatchObject({ code: 'CSV_HEADER' });
    await expect(refusal('full_name', 'Anna')).rejects.toMatchObject({ code: 'CSV_HEADER' });
    await expect(refusal('username', 'anna', '"bob')).rejects.toMatchObject({ code: 'CSV_QUOTE' });
    await expect(importUsers(context, '/nonexistent', DEFAULTS)).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
    });
    expect(await listUsers(context)).toEqual([]);
  });
});
