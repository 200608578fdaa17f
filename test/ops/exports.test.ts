import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { ExportOptions } from '../../src/lib/io/export-file.ts';
import { FILE_FORMATS, type FileFormat } from '../../src/lib/io/import-rows.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import { exportOrders } from '../../src/lib/ops/order-export.ts';
import { importOrders } from '../../src/lib/ops/order-import.ts';
import { cancelOrder, changeOrder, createOrder, replaceOrder } from '../../src/lib/ops/orders.ts';
import { exportProducts } from '../../src/lib/ops/product-export.ts';
import { importProducts } from '../../src/lib/ops/product-import.ts';
import { exportUsers } from '../../src/lib/ops/user-export.ts';
import { importUsers } from '../../src/lib/ops/user-import.ts';
import { exportNetworks } from '../../src/lib/ops/vpn-network-export.ts';
import { importNetworks } from '../../src/lib/ops/vpn-network-import.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { describeDatabases, type TestContext, type TestDatabases } from '../support/databases.ts';
import { listNetworks } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { at, BIG_VM, NICO, openShop, VM } from '../support/shop.ts';
import { addNetwork, addPool } from '../support/vpn.ts';

const THINGS = {
  users: { export: exportUsers, import: importUsers },
  products: { export: exportProducts, import: importProducts },
  orders: { export: exportOrders, import: importOrders },
  networks: { export: exportNetworks, import: importNetworks },
};
type Things = keyof typeof THINGS;
const EVERY = Object.keys(THINGS) as Things[];
const PLAIN = { partial: false, dryRun: false };
let files = 0;

async function fileOf(databases: TestDatabases, content: string): Promise<string> {
  files += 1;
  const file = join(databases.folder, `given-${files}.csv`);
  await writeFile(file, content);
  return file;
}

/** Exports all there is, each thing to a new file. */
async function exported(databases: TestDatabases, context: Context, format: FileFormat) {
  const made = {} as Record<Things, string>;
  for (const things of EVERY) {
    files += 1;
    made[things] = join(databases.folder, `${things}-${files}.${format}`);
    await THINGS[things].export(context, { output: made[things] });
  }
  return made;
}

async function imported(context: Context, made: Record<Things, string>) {
  const counts = {} as Record<Things, readonly number[]>;
  for (const things of EVERY) {
    const result = await THINGS[things].import(context, { ...PLAIN, file: made[things] });
    counts[things] = [result.rows, result.inserted, result.updated, result.unchanged];
  }
  return counts;
}

async function contents(made: Record<Things, string>) {
  return Object.fromEntries(
    await Promise.all(EVERY.map(async (things) => [things, await readFile(made[things], 'utf8')])),
  ) as Record<Things, string>;
}

/** Two pools of /48s, and one of /64s. */
async function pools(context: TestContext): Promise<TestContext> {
  await addPool(context, '2001:db8:100::/40');
  await addPool(context, '2001:db8:f::/48', { subnetworkSize: 64 });
  await addPool(context, '2001:db8:200::/47');
  return context;
}

const USERS = `username,full_name,email,organization,street,city,postal_code,country,vat_number,vat_checked_on,language
änna,"Anna ""A"" Muster, jun.",+anna@example.net,=1+1,-Gasse 1,@Zürich,08750,CH,,,de
_ben,'=quoted,,,,,,,,,
cleo,＝１+１ 東京 🦊,,''=SUM(A1),"Rue 1, 2",-5,+5,DE,DE123456789,2025-02-28,en
`;

const PRODUCTS = `name,description,period,one_time_price,recurring_price,currency,default
"Disk, ""fast""",=HYPERLINK(1),30d,0,2.5,CHF,
"Disk, ""fast""",,12345,-1,0.0001,EUR,true
"Disk, ""fast""",,once,35,,CHF,
`;

const ORDERS = `username,product,quantity,starts_at,ends_at,recurring_price,one_time_price,period,currency,description,replaces,reference
nico,VM,,2025-03-01,,,,,,,b,c
nico,VM,,2025-02-01,,,,,,"=1 ""x"", y",a,b
nico,VM,,2025-01-01,,,,,,,,a
änna,,3,2025-01-01,2025-02-01,0.5,-2,week,EUR,,,=ref
änna,,3,2025-01-01,,,7,,EUR,Set-up,,
änna,,3,2025-01-01,,,7,,EUR,Set-up,,
`;

/** Everything that an export has to get right. */
async function world(databases: TestDatabases): Promise<TestContext> {
  const context = await pools(await openShop(await databases.context({ now: '2025-03-01' })));
  for (const [things, content] of [
    ['users', USERS],
    ['products', PRODUCTS],
    ['orders', ORDERS],
  ] as const) {
    await THINGS[things].import(context, { ...PLAIN, file: await fileOf(databases, content) });
  }
  // Without references: equal ones, one that is replaced twice, one that ends before it starts.
  for (let turn = 0; turn < 2; turn++) {
    await createOrder(context, { username: NICO, product: VM }, { description: '' });
  }
  const first = await createOrder(context, { username: NICO, product: VM }, {});
  const terms = { period: 777, recurringPrice: 50_000n };
  const { order: second } = await replaceOrder(context, { id: first.order.id }, terms, {
    at: at('2025-02-02'),
    dryRun: false,
  });
  await replaceOrder(
    context,
    { id: second.id ?? 0 },
    { product: BIG_VM, reference: parseReference('end') },
    { at: at('2025-03-03'), dryRun: false },
  );
  const late = await createOrder(context, { username: NICO, product: VM }, { startsAt: at('2026-01-01') });
  await cancelOrder(context, { id: late.order.id }, { at: at('2025-01-01'), dryRun: false });
  await changeOrder(context, { reference: parseReference('a') }, { notForBilling: true });

  for (const number of [1, 2, 3, 4, 5]) {
    const size = number % 2 === 0 ? 64 : 48;
    const reference = number === 3 ? parseReference('-net "3"') : null;
    await addNetwork(context, testKey(number), { username: NICO, size, reference });
  }
  return context;
}

describeDatabases('an export', (from) => {
  describeDatabases('imported into', (into) => {
    it.each(FILE_FORMATS)('a fresh database as %s is exported as the same bytes', async (format) => {
      const source = await world(from);
      const made = await exported(from, source, format);
      const target = await pools(await into.context({ now: '2025-06-01' }));
      const counts = await imported(target, made);
      expect(counts).toEqual({
        users: [5, 5, 0, 0],
        products: [6, 6, 0, 0],
        orders: [12, 12, 0, 0],
        networks: [5, 5, 0, 0],
      });
      const again = await exported(into, target, format);
      expect(await contents(again)).toEqual(await contents(made));
      expect((await networksOf(target)).sort()).toEqual((await networksOf(source)).sort());
      expect(await imported(target, made)).toEqual(unchanged(counts));
    });
  });

  it('gives a fresh database the same orders, whatever became of them', async () => {
    const source = await openShop(await from.context({ now: '2025-01-01' }));
    const count = await liveThrough(source);
    const made = await exported(from, source, 'csv');
    const target = await openShop(await from.context({ now: '2025-06-01' }));
    const counts = await imported(target, made);
    expect(counts.orders).toEqual([count, count, 0, 0]);
    const again = await exported(from, target, 'csv');
    expect((await contents(again)).orders).toEqual((await contents(made)).orders);
  });

  it.each(FILE_FORMATS)(
    'imported as %s into its own database changes nothing, also when life has gone on',
    async (format) => {
      const context = await world(from);
      const made = await exported(from, context, format);
      const counts = await imported(context.at('2025-06-01'), made);
      expect(counts).toMatchObject({ users: [5, 0, 0, 5], orders: [12, 0, 0, 12] });
      expect(await contents(await exported(from, context, format))).toEqual(await contents(made));
    },
  );

  it('knows an order without a reference when it has changed, and not in another database', async () => {
    const context = await world(from);
    const made = await exported(from, context, 'csv');
    const lines = (await readFile(made.orders, 'utf8')).split('\r\n');
    const nameless = lines.filter((line) => /,order-7-[0-9a-f]{16}$/.test(line));
    expect(nameless).toHaveLength(1);
    await changeOrder(context, { id: 7 }, { endsAt: at('2025-09-01'), notForBilling: true });
    const file = await fileOf(from, [lines[0], nameless[0], ''].join('\r\n'));
    expect(await importOrders(context, { ...PLAIN, file })).toMatchObject({ inserted: 0, unchanged: 1 });
    const name = nameless[0]?.split(',').at(-1);
    const successor = `username,product,starts_at,replaces\nnico,VM,2025-08-01,${name}\n`;
    await expect(
      importOrders(context, { ...PLAIN, file: await fileOf(from, successor) }),
    ).rejects.toMatchObject({
      // Commands do not know the made name.
      data: {
        refused: [
          { reason: expect.stringMatching(/^Order 7 ends /), hint: expect.stringContaining(' 7 --ends-at') },
        ],
      },
    });

    const other = await openShop(await from.context());
    for (let turn = 0; turn < 7; turn++) {
      await createOrder(other, { username: NICO, product: VM }, { quantity: 9 });
    }
    expect(await importOrders(other, { ...PLAIN, file })).toMatchObject({ inserted: 1, unchanged: 0 });
    expect(await importOrders(other, { ...PLAIN, file })).toMatchObject({ inserted: 0, unchanged: 1 });
  });

  it('spells every column, and leaves nothing that a spreadsheet runs', async () => {
    const made = await contents(await exported(from, await world(from), 'csv'));
    expect(made.users.split('\r\n').slice(0, 1).concat(made.users.split('\r\n').slice(3))).toEqual([
      'username,full_name,email,organization,street,city,postal_code,country,vat_number,vat_checked_on,language',
      `änna,"Anna ""A"" Muster, jun.",'+anna@example.net,'=1+1,'-Gasse 1,'@Zürich,08750,CH,,,de`,
      `_ben,'=quoted,,,,,,,,,en`,
      `cleo,'＝１+１ 東京 🦊,,''=SUM(A1),"Rue 1, 2",-5,+5,DE,DE123456789,2025-02-28,en`,
      '',
    ]);
    const jsonl = await contents(await exported(from, await world(from), 'jsonl'));
    expect(jsonl.networks.split('\n')[1]).toBe(
      `{"username":"nico","public_key":"${testKey(3)}","size":48,"reference":"-net \\"3\\""}`,
    );
    expect(made.orders.split('\r\n').filter((line) => line.endsWith(',true,a'))).toHaveLength(1);
    expect(JSON.parse(jsonl.orders.split('\n')[1] ?? '')).toMatchObject({
      quantity: 3,
      recurring_price: '0.50',
      charge: 'advance',
    });
  });

  it('goes to a new private file only', async () => {
    const context = await openShop(await from.context());
    const output = join(from.folder, 'once.csv');
    expect(await exportUsers(context, { output })).toBe(2);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    await expect(exportUsers(context, { output })).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  });

  it('has the header when there are no rows', async () => {
    const made = await contents(await exported(from, await from.context(), 'csv'));
    expect(made.networks).toBe('username,public_key,size,reference\r\n');
  });

  it('has all pages', async () => {
    const context = await from.context();
    const rows = Array.from({ length: 2001 }, (_, at) => `u${at}`);
    const file = await fileOf(from, ['username', ...rows, ''].join('\n'));
    await importUsers(context, { ...PLAIN, file });
    const made = await contents(await exported(from, context, 'csv'));
    expect(
      made.users
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.split(',')[0]),
    ).toEqual(rows);
  });

  it('shows orders and networks of those within reach only', async () => {
    const context = await world(from);
    const count = async (actor: TestContext, options: { username?: ReturnType<typeof parseUsername> }) => {
      files += 1;
      const output: ExportOptions = { output: join(from.folder, `reach-${files}.csv`) };
      const orders = await exportOrders(actor, { ...output, ...options });
      return [orders, await exportNetworks(actor, { output: `${output.output}.n`, ...options })];
    };
    expect(await count(context, { username: NICO })).toEqual([9, 5]);
    expect(await count(context.as('änna'), {})).toEqual([3, 0]);
    expect(await count(context.as('nico'), { username: NICO })).toEqual([9, 5]);
    await expect(count(context.as('änna'), { username: NICO })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(count(context, { username: parseUsername('nobody') })).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
    });
  });

  it('of networks keeps their order where some were given back', async () => {
    const context = await world(from);
    await deleteNetworks(context, [1]);
    const made = await exported(from, context, 'csv');
    const target = await pools(await from.context({ now: '2025-06-01' }));
    await imported(target, made);
    expect(await contents(await exported(from, target, 'csv'))).toEqual(await contents(made));
  });
});

/**
 * Every life of an order that is replaced: by a cheaper or a dearer one, in advance and in arrears, committed or not,
 * soon and late, under both policies; and what staff then do to it and to its successor, as far as they may.
 * @returns how many orders that makes
 */
async function liveThrough(context: TestContext): Promise<number> {
  const end = (endsAt: string | null) => (id: number) =>
    changeOrder(context, { id }, { endsAt: endsAt === null ? null : at(endsAt) });
  const cancel = (when: string) => (id: number) =>
    cancelOrder(context, { id }, { at: at(when), dryRun: false });
  const attempt = (work: Promise<unknown>) =>
    work.catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
    });
  const changes = [
    { recurringPrice: 90_000n, policy: 'prorate' },
    { recurringPrice: 200_000n, policy: 'prorate' },
    { recurringPrice: 200_000n, policy: 'full' },
  ] as const;
  const fates = [
    cancel('2025-01-01'),
    cancel('2025-01-20'),
    cancel('2025-03-10'),
    end(null),
    end('2025-01-31'),
    end('2025-02-10'),
    end('2025-12-01'),
  ];
  let lives = 0;
  for (const when of ['2025-01-01', '2025-01-20', '2025-01-31', '2025-02-10']) {
    for (const { recurringPrice, policy } of changes) {
      for (const fate of fates) {
        const { order: old } = await createOrder(
          context,
          { username: NICO, product: VM },
          {
            startsAt: at('2025-01-01'),
            commitmentPeriods: 1 + (lives % 3),
            charge: lives % 2 === 0 ? 'advance' : 'arrears',
          },
        );
        const options = { at: at(when), policy, dryRun: false };
        const { order: successor } = await replaceOrder(context, { id: old.id }, { recurringPrice }, options);
        lives += 1;
        await attempt(fate(old.id));
        await attempt(fate(successor.id ?? 0));
        await attempt(end('2025-02-20')(old.id));
        await attempt(end(null)(successor.id ?? 0));
      }
    }
  }
  return 2 * lives;
}

async function networksOf(context: Context): Promise<string[]> {
  const networks = await listNetworks(context, { username: undefined, poolId: undefined });
  return networks.map(({ network, username, publicKey }) => `${network} ${username} ${publicKey}`);
}

function unchanged(counts: Record<Things, readonly number[]>) {
  return Object.fromEntries(EVERY.map((things) => [things, [counts[things][0], 0, 0, counts[things][0]]]));
}
