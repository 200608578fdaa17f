import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RefusedRow, UserError } from '../../src/lib/core/errors.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { importOrders } from '../../src/lib/ops/order-import.ts';
import { listOrders } from '../../src/lib/ops/orders.ts';
import { importProducts } from '../../src/lib/ops/product-import.ts';
import { listProducts } from '../../src/lib/ops/products.ts';
import { importUsers } from '../../src/lib/ops/user-import.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listUsers } from '../support/lists.ts';
import { openShop } from '../support/shop.ts';

const WHOLE = { partial: false, dryRun: false };

describeDatabases('imported files', (databases) => {
  let files = 0;

  async function fileOf(content: string, extension = 'csv'): Promise<string> {
    files += 1;
    const file = join(databases.folder, `file-${files}.${extension}`);
    await writeFile(file, content);
    return file;
  }

  const usernames = async (context: TestContext) =>
    (await listUsers(context)).map(({ user }) => user.username);
  const refusedOf = async (work: Promise<unknown>) => {
    const error = (await work.catch((thrown: unknown) => thrown)) as UserError;
    expect(error).toMatchObject({ code: 'IMPORT_REFUSED' });
    return (error.data.refused as RefusedRow[]).map(({ line, field, code }) => [line, field, code]);
  };

  it('may be JSON lines, by their name or because somebody says so', async () => {
    const context = await databases.context();
    const lines =
      '{"username":"anna","full_name":"Anna \\"A\\" Muster","country":"ch","city":null}\n\n{"postal_code":"8750","username":"bob","country":"DE"}\n';
    const named = await fileOf(lines, 'ndjson');
    expect(await importUsers(context, { ...WHOLE, file: named })).toMatchObject({ rows: 2, inserted: 2 });
    const unnamed = await fileOf(lines, 'txt');
    await expect(importUsers(context, { ...WHOLE, file: unnamed })).rejects.toMatchObject({
      code: 'JSON_AS_CSV',
      hint: 'Say how it is written: --format jsonl',
    });
    expect(await importUsers(context, { ...WHOLE, file: unnamed, format: 'jsonl' })).toMatchObject({
      unchanged: 2,
    });
    expect(await listUsers(context)).toMatchObject([
      { user: { username: 'anna', fullName: 'Anna "A" Muster' }, address: { country: 'CH', city: '' } },
      { user: { username: 'bob' }, address: { country: 'DE', postalCode: '8750' } },
    ]);
  });

  it('in JSON have their faults row by row', async () => {
    const context = await openShop(await databases.context());
    const lines = [
      '{"username":"nico","product":"VM","quantity":2,"not_for_billing":true,"reference":"good"}',
      '{"username":"nico","product":"VM"',
      '{"username":"nico","product":"VM","price":1}',
      '{"username":5,"product":["VM"],"quantity":true,"reference":null,"starts_at":20250101}',
      '{"product":"VM","__proto__":"x"}',
      '["nico"]',
      '{"username":"nico","username":"anna"}',
      '{"username":"nico","product":"VM","quantity":1.5,"reference":"good"}',
    ];
    const file = await fileOf(lines.join('\n'), 'jsonl');
    expect(await refusedOf(importOrders(context, { ...WHOLE, file }))).toEqual([
      [2, null, 'JSON_SYNTAX'],
      [3, null, 'JSON_NAME'],
      [4, 'username', 'JSON_TYPE'],
      [4, 'product', 'JSON_TYPE'],
      [4, 'quantity', 'JSON_TYPE'],
      [4, 'starts_at', 'JSON_TYPE'],
      [5, null, 'JSON_NAME'],
      [5, 'username', 'EMPTY_CELL'],
      [6, null, 'JSON_SYNTAX'],
      [7, null, 'JSON_SYNTAX'],
      [8, 'quantity', 'INVALID_ORDER'],
      [8, 'reference', 'DUPLICATE_ROW'],
    ]);
  });

  it('in JSON say how a postal code is written', async () => {
    const context = await databases.context();
    const file = await fileOf('{"username":"bob","postal_code":8750}', 'jsonl');
    await expect(importUsers(context, { ...WHOLE, file })).rejects.toMatchObject({
      data: {
        refused: [{ code: 'JSON_TYPE', hint: 'Put a string in double quotes; null is an empty cell.' }],
      },
    });
  });

  it('have every fault of every row listed', async () => {
    const context = await openShop(await databases.context());
    const orders = await fileOf(
      'username,product,quantity,starts_at,ends_at,period,recurring_price,currency\n' +
        'nobody,Toaster,0,today,,month,1e3,chf\n' +
        'nobody,,2,2025-01-02,2025-01-01,30d,0.0001,CHF\n',
    );
    expect(await refusedOf(importOrders(context, { ...WHOLE, file: orders }))).toEqual([
      [2, 'quantity', 'INVALID_ORDER'],
      [2, 'starts_at', 'INVALID_INSTANT'],
      [2, 'period', 'INVALID_PERIOD'],
      [2, 'recurring_price', 'INVALID_PRICE'],
      [2, 'currency', 'UNKNOWN_CURRENCY'],
      [2, 'username', 'UNKNOWN_USER'],
      [2, 'product', 'UNKNOWN_PRODUCT'],
      [3, 'username', 'UNKNOWN_USER'],
      [3, 'ends_at', 'INVALID_ORDER'],
      [3, 'recurring_price', 'PRICE_TOO_SMALL'],
    ]);
    const users = await fileOf('username,email,city,country\nx,nobody,"a\nb",\nz,nobody,Bern,\n');
    expect(await refusedOf(importUsers(context, { ...WHOLE, file: users }))).toEqual([
      [2, 'email', 'INVALID_EMAIL'],
      [2, 'city', 'INVALID_TEXT'],
      [4, 'email', 'INVALID_EMAIL'],
      [4, 'country', 'ADDRESS_NEEDS_COUNTRY'],
    ]);
  });

  const CSV =
    'country,username,city\r\nCH,anna,"Bern, ""the"" town"\r\nXX,bob,=1+1\r\nCH,carl\r\nCH,dora,Chur,x\r\nYY,emil,\'=2\r\n';

  it('leave their refused rows in a file that can be corrected and imported', async () => {
    const context = await databases.context();
    const rejects = join(databases.folder, 'rejects.csv');
    await writeFile(rejects, 'old', { mode: 0o644 });
    const options: ImportOptions = { file: await fileOf(CSV), partial: true, dryRun: false, rejects };
    expect(await importUsers(context, options)).toMatchObject({ inserted: 1, refusedRows: 4 });
    const text = await readFile(rejects, 'utf8');
    expect((await stat(rejects)).mode & 0o777).toBe(0o600);
    const [header, ...rows] = text.split('\r\n').map((line) => line.split(','));
    expect(header).toEqual(['country', 'username', 'city', 'reason']);
    expect(rows.map((cells) => cells.slice(0, 3))).toEqual([
      ['XX', 'bob', "'=1+1"],
      ['CH', 'carl', 'The row has 2 cells and the header 3.'],
      ['CH', 'dora', 'Chur'],
      ['YY', 'emil', "'=2"],
      [''],
    ]);
    expect(text).toContain('"country: ""XX"" is not a country');

    // As it is, the same rows are refused again, and the file comes out the same.
    const again = await importUsers(context, { ...options, file: rejects });
    expect(again).toMatchObject({ inserted: 0, refusedRows: 4 });
    expect((await readFile(rejects, 'utf8')).replace(/cells and the header \d/g, '')).toBe(
      text.replace(/cells and the header \d/g, ''),
    );
    await writeFile(
      rejects,
      text.replaceAll(/XX|YY/g, 'CH').replace('carl', 'carl,').replace(',Chur,x,', ',Chur,'),
    );
    expect(await importUsers(context, { ...WHOLE, file: rejects })).toMatchObject({ inserted: 4 });
    expect(await listUsers(context)).toMatchObject([
      { address: { city: 'Bern, "the" town' } },
      { user: { username: 'bob' }, address: { city: '=1+1' } },
      { user: { username: 'carl' } },
      { user: { username: 'dora' }, address: { city: 'Chur' } },
      { user: { username: 'emil' }, address: { city: '=2' } },
    ]);
  });

  it('in JSON leave them too', async () => {
    const context = await databases.context();
    const rejects = join(databases.folder, 'rejects.jsonl');
    const lines = [
      '{"username":"anna"}',
      '{"username": "bob", "country":"XX"}',
      '{"username":"carl"',
      '{"reason":"old","username":7,"city":12345678901234567890}',
    ];
    const file = await fileOf(lines.join('\n'), 'jsonl');
    const options: ImportOptions = { file, partial: true, dryRun: false, rejects };
    expect(await importUsers(context, options)).toMatchObject({ inserted: 1, refusedRows: 3 });
    const text = await readFile(rejects, 'utf8');
    expect(text.split('\n').map((line) => line.replace(/"reason":".*"/, '"reason":…'))).toEqual([
      '{"username": "bob","country":"XX","reason":…}',
      '{"reason":…}',
      '{"username":"carl"',
      '{"username":7,"city":12345678901234567890,"reason":…}',
      '',
    ]);
    expect(await importUsers(context, { ...options, file: rejects })).toMatchObject({
      rows: 3,
      refusedRows: 3,
    });
    expect(await readFile(rejects, 'utf8')).toBe(text);
  });

  it('leave no reject file when nothing was imported, and an old one as it was', async () => {
    const context = await databases.context();
    const rejects = join(databases.folder, 'kept.csv');
    await writeFile(rejects, 'old');
    const file = await fileOf('username\nanna\nb b\n"');
    const options: ImportOptions = { file, partial: true, dryRun: false, rejects };
    await expect(importUsers(context, options)).rejects.toMatchObject({ code: 'CSV_QUOTE' });
    expect(await readFile(rejects, 'utf8')).toBe('old');
    await rm(rejects);
    const nowhere = join(databases.folder, 'no', 'folder.csv');
    await expect(
      importUsers(context, { ...options, file: await fileOf('username\nanna\n'), rejects: nowhere }),
    ).rejects.toMatchObject({ code: 'FOLDER_MISSING' });
    expect(await usernames(context)).toEqual([]);
  });

  it('make products, and the same file again changes nothing', async () => {
    const context = await databases.context();
    const csv =
      'name,description,period,one_time_price,recurring_price,currency,default\n' +
      'VM,A machine,365d,,115,,\nSet-up,,once,35,,EUR,\nVM,,30d,5,10.50,CHF,true\nVM,A machine,week,,3,,false\nBackup,,,,2,,\nVisit,,,-7,,,\n';
    const file = await fileOf(csv);
    const counts = { rows: 6, inserted: 6, updated: 0, unchanged: 0, refused: [], refusedRows: 0 };
    expect(await importProducts(context, { file, partial: false, dryRun: true })).toEqual(counts);
    expect(await listProducts(context)).toEqual([]);
    expect(await importProducts(context, { ...WHOLE, file })).toEqual(counts);
    const price = { oneTime: 0n, recurring: 0n, currency: 'CHF', isDefault: false };
    const products = await listProducts(context);
    expect(products).toMatchObject([
      {
        name: 'VM',
        description: 'A machine',
        prices: [
          { ...price, period: 31_536_000, recurring: 1_150_000n },
          { ...price, period: 2_592_000, oneTime: 50_000n, recurring: 105_000n, isDefault: true },
          { ...price, period: 604_800, recurring: 30_000n },
        ],
      },
      {
        name: 'Set-up',
        prices: [{ ...price, period: 0, oneTime: 350_000n, currency: 'EUR', isDefault: true }],
      },
      { name: 'Backup', prices: [{ ...price, period: 2_592_000, recurring: 20_000n, isDefault: true }] },
      { name: 'Visit', prices: [{ ...price, period: 0, oneTime: -70_000n, isDefault: true }] },
    ]);
    expect(await importProducts(context.at('2027-01-01'), { ...WHOLE, file })).toMatchObject({
      unchanged: 6,
    });
    expect(await listProducts(context)).toEqual(products);

    const change = await fileOf(
      'name,period,recurring_price,default,description\nVM,week,4,true,\nSet-up,once,,,By hand\n',
    );
    expect(await importProducts(context, { ...WHOLE, file: change })).toMatchObject({ updated: 2 });
    const [vm, setUp] = await listProducts(context);
    expect(vm?.prices.map(({ recurring, isDefault }) => [recurring, isDefault])).toEqual([
      [1_150_000n, false],
      [105_000n, false],
      [40_000n, true],
    ]);
    expect(setUp).toMatchObject({ description: 'By hand', prices: [{ oneTime: 350_000n }] });
  });

  it('refuse rows of products that contradict each other', async () => {
    const context = await databases.context();
    const between = Array.from({ length: 2500 }, (_, index) => `P${index},,,,1,,`);
    const file = await fileOf(
      [
        'name,description,period,one_time_price,recurring_price,currency,default',
        'VM,A machine,30d,,10,,true',
        ...between,
        'VM,Another machine,365d,,100,,',
        'VM,,week,,3,,yes',
        'VM,,30d,,11,,',
        'VM,,day,,,,maybe',
        'Nothing,,30d,,,,',
        'Once,,once,,1,,',
      ].join('\n'),
    );
    expect(await refusedOf(importProducts(context, { ...WHOLE, file }))).toEqual([
      [2503, 'description', 'CONTRADICTING_ROW'],
      [2504, 'default', 'CONTRADICTING_ROW'],
      [2505, 'period', 'DUPLICATE_ROW'],
      [2506, 'default', 'INVALID_BOOLEAN'],
      [2507, 'recurring_price', 'INVALID_PRODUCT_PRICES'],
      [2508, 'recurring_price', 'INVALID_PRODUCT_PRICES'],
    ]);
    expect(await listProducts(context)).toEqual([]);
  });

  it('find circles and lost rows far apart, and import the rest when they may', async () => {
    const context = await openShop(await databases.context());
    const count = 4500;
    const rows = Array.from({ length: count }, (_, index) => `nico,VM,c${(index + 1) % count},c${index}`);
    const tail = [
      'nico,VM,c7,into',
      'nico,VM,into,further',
      'nico,VM,nowhere,lost',
      'nico,VM,lost,loster',
      'nico,VM,,fine',
    ];
    const file = await fileOf(['username,product,replaces,reference', ...rows, ...tail].join('\n'));
    const rejects = join(databases.folder, 'circles.csv');
    const result = await importOrders(context, { file, partial: true, dryRun: false, rejects });
    expect(result).toMatchObject({ inserted: 1, refusedRows: count + 4 });
    const text = await readFile(rejects, 'utf8');
    expect(text.match(/replaces itself/g)).toHaveLength(count + 2);
    expect(text.match(/is neither in the database/g)).toHaveLength(2);
    const orders: string[] = [];
    await listOrders(
      context,
      { active: false },
      async (page) => orders.push(...page.map(({ reference }) => reference ?? '')) > 0,
    );
    expect(orders).toEqual(['fine']);
  });
});
