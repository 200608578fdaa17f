import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { StoredOrder } from '../../src/lib/io/db/orders.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { importOrders as importAll } from '../../src/lib/ops/order-import.ts';
import { cancelOrder, changeOrder, createOrder, listOrders, showOrder } from '../../src/lib/ops/orders.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { at, NICO, openShop, VM } from '../support/shop.ts';

const ALL =
  'username,product,quantity,starts_at,ends_at,period,recurring_price,one_time_price,currency,' +
  'commitment_periods,charge,description,replaces,not_for_billing,reference';
const DEFAULTS = { partial: false, dryRun: false };

const importOrders = (context: TestContext, file: string, options: Omit<ImportOptions, 'file'>) =>
  importAll(context, { file, ...options });

describeDatabases('order import', (databases) => {
  let files = 0;

  async function fileOf(...lines: string[]): Promise<string> {
    files += 1;
    const file = join(databases.folder, `orders-${files}.csv`);
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  }

  const shop = async () => openShop(await databases.context());

  async function orders(context: TestContext): Promise<StoredOrder[]> {
    const all: StoredOrder[] = [];
    await listOrders(context, { active: false }, async (page) => all.push(...page) > 0);
    return all;
  }

  const refusals = async (context: TestContext, file: string) => {
    const error = await importOrders(context, file, DEFAULTS).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'IMPORT_REFUSED', exit: 1 });
    expect(await orders(context)).toEqual([]);
    return error.data.refused.map((row: Record<string, unknown>) => [
      row.line,
      row.field,
      row.value,
      row.code,
    ]);
  };

  it('reads every column, and the same file again adds nothing, even when life has gone on', async () => {
    const context = await shop();
    const file = await fileOf(
      ALL,
      'nico,,2,2025-01-01,2026-01-01,week,10.5,-3,EUR,4,arrears,"Shell, big",,true,one',
      'anna,VM,,,,,,,,,,,,,two',
    );
    const planned = await importOrders(context, file, { ...DEFAULTS, dryRun: true });
    expect(await orders(context)).toEqual([]);
    const first = await importOrders(context, file, DEFAULTS);
    expect(first).toEqual({ rows: 2, inserted: 2, updated: 0, unchanged: 0, refused: [], refusedRows: 0 });
    expect(planned).toEqual(first);
    const stored = await orders(context);
    expect(stored).toMatchObject([
      {
        username: 'nico',
        product: null,
        quantity: 2,
        startsAt: at('2025-01-01'),
        endsAt: at('2026-01-01'),
        recurringPeriodSeconds: 604_800,
        recurringPrice: 105_000n,
        oneTimePrice: -30_000n,
        currency: 'EUR',
        commitmentPeriods: 4,
        charge: 'arrears',
        description: 'Shell, big',
        notForBilling: true,
        reference: 'one',
      },
      { username: 'anna', product: 'VM', startsAt: context.now, recurringPrice: 100_000n, reference: 'two' },
    ]);
    const later = context.at('2027-01-01');
    const { id = 0 } = stored[1] ?? {};
    await cancelOrder(later, { id }, { at: at('2025-01-10'), dryRun: false });
    expect(await importOrders(later, file, DEFAULTS)).toMatchObject({ inserted: 0, unchanged: 2 });
    expect(await orders(context)).toHaveLength(2);
  });

  it('knows rows without a reference by their content', async () => {
    const context = await shop();
    const file = await fileOf('username,product', 'nico,VM', 'nico,VM', 'anna,VM');
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: 3 });
    expect(await importOrders(context.at('2025-05-01'), file, DEFAULTS)).toMatchObject({ unchanged: 3 });
    const references = (await orders(context)).map(({ reference }) => reference ?? '');
    expect(references[0]).toMatch(/^import-[0-9a-f]{32}-1$/);
    expect(references[1]).toBe(references[0]?.replace(/1$/, '2'));
    const more = await fileOf('username,product', 'nico,VM', 'nico,VM', 'nico,VM', 'anna,VM');
    expect(await importOrders(context, more, DEFAULTS)).toMatchObject({ inserted: 1, unchanged: 3 });
  });

  it('lists every faulty row with line, field, value and rule, and imports nothing', async () => {
    const context = await shop();
    const good = 'nico,VM,,,,,,,,,,,,,';
    const file = await fileOf(
      ALL,
      `${good}good`,
      'nico,,1,2025-01-01,,30d,-5,0,CHF,,,,,,a',
      'nico,,1,2025-01-01,,30d,1e5,0,CHF,,,,,,b',
      'nico,,1,2025-01-01,,30d,"10,50",0,CHF,,,,,,c',
      'nico,,1,2025-01-02,2025-01-01,30d,10,0,CHF,,,,,,d',
      'nobody,VM,,,,,,,,,,,,,e',
      'nico,Toaster,,,,,,,,,,,,,f',
      'nico,,1,2025-01-01,,30d,0.0049,0,CHF,,,,,,g',
      'nico,,1,2025-01-01,,30d,10,0,chf,,,,,,h',
      'nico,,0,2025-01-01,,30d,10,0,CHF,,,,,,i',
      'nico,,1,01.02.2025,,30d,10,0,CHF,,,,,,j',
      'nico,,1,2025-01-01,,month,10,0,CHF,,,,,,k',
      'nico,,1,2025-01-01,,30d,10,0,CHF,x,,,,,l',
      'nico,,1,2025-01-01,,30d,10,0,CHF,,later,,,,m',
      'nico,,1,2025-01-01,,30d,10,0,CHF,,,,,maybe,n',
      'nico,VM,,,,hour,,,,,,,,,o',
      'nico,,1,2025-01-01,,30d,10,0,,,,,,,p',
      `${good}good`,
      ',VM,,,,,,,,,,,,,q',
      'nico,VM',
    );
    expect(await refusals(context, file)).toEqual([
      [3, 'recurring_price', '-5', 'NEGATIVE_PRICE'],
      [4, 'recurring_price', '1e5', 'INVALID_PRICE'],
      [5, 'recurring_price', '10,50', 'INVALID_PRICE'],
      [6, 'ends_at', '2025-01-01', 'INVALID_ORDER'],
      [7, 'username', 'nobody', 'UNKNOWN_USER'],
      [8, 'product', 'Toaster', 'UNKNOWN_PRODUCT'],
      [9, 'recurring_price', '0.0049', 'PRICE_TOO_SMALL'],
      [10, 'currency', 'chf', 'UNKNOWN_CURRENCY'],
      [11, 'quantity', '0', 'INVALID_ORDER'],
      [12, 'starts_at', '01.02.2025', 'INVALID_INSTANT'],
      [13, 'period', 'month', 'INVALID_PERIOD'],
      [14, 'commitment_periods', 'x', 'INVALID_ORDER'],
      [15, 'charge', 'later', 'INVALID_ORDER'],
      [16, 'not_for_billing', 'maybe', 'INVALID_BOOLEAN'],
      [17, 'period', 'hour', 'UNKNOWN_PRODUCT_PRICE'],
      [18, 'currency', '', 'INCOMPLETE_ORDER'],
      [19, 'reference', 'good', 'DUPLICATE_ROW'],
      [20, 'username', '', 'EMPTY_CELL'],
      [21, null, null, 'CELL_COUNT'],
    ]);
  });

  it('imports the good rows when it may do it partly, but none that replaces a refused one', async () => {
    const context = await shop();
    const file = await fileOf(
      'username,product,replaces,reference',
      'nico,VM,bad,child-of-bad',
      'nico,VM,child-of-bad,grandchild-of-bad',
      'nico,Toaster,,bad',
      'nico,VM,bad,late-child-of-bad',
      'nico,VM,,good',
    );
    const result = await importOrders(context, file, { ...DEFAULTS, partial: true });
    expect(result).toMatchObject({ rows: 5, inserted: 1, refusedRows: 4 });
    expect(result.refused.map(({ line, field, code }) => [line, field, code])).toEqual([
      [2, 'replaces', 'INVALID_ORDER'],
      [3, 'replaces', 'INVALID_ORDER'],
      [4, 'product', 'UNKNOWN_PRODUCT'],
      [5, 'replaces', 'INVALID_ORDER'],
    ]);
    expect((await orders(context)).map(({ reference }) => reference)).toEqual(['good']);
  });

  it('refuses a reference that is known with other content, naming the field', async () => {
    const context = await shop();
    await createOrder(context, { username: NICO, product: VM, reference: parseReference('one') }, {});
    const file = await fileOf('username,product,quantity,starts_at,reference', 'nico,VM,2,2025-02-01,one');
    const error = await importOrders(context, file, DEFAULTS).catch((thrown) => thrown);
    expect(error.data.refused).toEqual([
      {
        line: 2,
        field: 'quantity',
        value: '2',
        code: 'REFERENCE_TAKEN',
        reason: 'The reference "one" belongs to order 1, which differs in quantity, starts_at.',
        hint: expect.any(String),
      },
    ]);
  });

  it('finds what a row replaces further up, further down and in the database', async () => {
    const context = await shop();
    const old = await createOrder(
      context,
      { username: NICO, product: VM, reference: parseReference('db') },
      {},
    );
    const file = await fileOf(
      'username,product,starts_at,replaces,reference',
      'nico,VM,2025-04-01,third,fourth',
      'nico,VM,2025-03-01,second,third',
      'nico,VM,2025-02-01,first,second',
      'nico,VM,2025-01-15,db,first',
      'nico,VM,2025-05-01,fourth,fifth',
    );
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: 5 });
    const chain: (string | null)[] = [];
    for (let id: number | undefined = old.order.id; id !== undefined; ) {
      const order: StoredOrder = await showOrder(context, { id });
      chain.push(order.reference);
      const next: StoredOrder | null =
        order.replacedBy[0] === undefined ? null : await showOrder(context, { id: order.replacedBy[0] });
      expect(order.end).toBe(next?.startsAt ?? null);
      id = next?.id;
    }
    expect(chain).toEqual(['db', 'first', 'second', 'third', 'fourth', 'fifth']);
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: 0, unchanged: 5 });
  });

  it('refuses circles, and replaced orders that are missing, of somebody else or in another currency', async () => {
    const context = await shop();
    const file = await fileOf(
      'username,product,recurring_price,one_time_price,currency,replaces,reference',
      'nico,VM,,,,b,a',
      'nico,VM,,,,c,b',
      'nico,VM,,,,a,c',
      'nico,VM,,,,b,into-the-circle',
      'nico,VM,,,,itself,itself',
      'nico,VM,,,,nowhere,lost',
      'anna,VM,,,,nicos,hers',
      'nico,VM,10,0,EUR,nicos,foreign',
      'nico,VM,,,,,nicos',
    );
    expect(await refusals(context, file)).toEqual([
      [2, 'replaces', 'b', 'REPLACEMENT_CYCLE'],
      [3, 'replaces', 'c', 'REPLACEMENT_CYCLE'],
      [4, 'replaces', 'a', 'REPLACEMENT_CYCLE'],
      [5, 'replaces', 'b', 'REPLACEMENT_CYCLE'],
      [6, 'replaces', 'itself', 'REPLACEMENT_CYCLE'],
      [7, 'replaces', 'nowhere', 'INVALID_ORDER'],
      [8, 'replaces', 'nicos', 'INVALID_ORDER'],
      [9, 'currency', 'EUR', 'CURRENCY_MISMATCH'],
    ]);
  });

  const REPLACING = 'username,product,recurring_price,starts_at,ends_at,replaces,reference';
  const CHEAPER = 'nico,VM,9,2025-01-16,,old,new';

  it.each<[string, string[]]>([
    ['further up', ['nico,VM,,2025-01-01,2025-01-31,,old', CHEAPER]],
    ['further down', [CHEAPER, 'nico,VM,,2025-01-01,2025-01-31,,old']],
    ['in a chain', ['nico,VM,,2025-01-01,2025-01-31,first,old', CHEAPER, 'nico,VM,,2024-01-01,,,first']],
  ])('refuses a row that starts before the end of the order that it replaces, %s', async (_, rows) => {
    const context = await shop();
    const file = await fileOf(REPLACING, ...rows);
    const line = 2 + rows.indexOf(CHEAPER);
    expect(await refusals(context, file)).toEqual([[line, 'replaces', 'old', 'ORDERS_OVERLAP']]);

    const rejects = join(databases.folder, `rejects-${files}.csv`);
    const planned = await importOrders(context, file, { partial: true, dryRun: true });
    const done = await importOrders(context, file, { partial: true, dryRun: false, rejects });
    expect(done).toEqual(planned);
    expect(done).toMatchObject({ inserted: rows.length - 1, refusedRows: 1 });
    const [, rejected] = (await readFile(rejects, 'utf8')).split('\r\n');
    expect(rejected).toBe(
      `${CHEAPER},"replaces: Order ""old"" ends at 2025-01-31T00:00:00Z, after the start of the order that replaces it, 2025-01-16T00:00:00Z."`,
    );

    // The old order is stored by now. It ends as it is told, and what was refused is taken.
    expect((await importOrders(context, rejects, { partial: true, dryRun: true })).refused).toEqual(
      done.refused.map((row) => ({ ...row, line: 2 })),
    );
    await changeOrder(context, { reference: parseReference('old') }, { endsAt: at('2025-01-16') });
    expect(await importOrders(context, rejects, DEFAULTS)).toMatchObject({ inserted: 1 });
  });

  const CANCELLED = 'nico,VM,,2025-01-10,2025-01-10,old,cancelled';

  it.each<[string, string[]]>([
    ['further up', ['nico,VM,,2025-01-01,,,old', CANCELLED, CHEAPER, 'nico,VM,,2025-01-20,,old,other']],
    ['further down', [CHEAPER, CANCELLED, 'nico,VM,,2025-01-20,,old,other', 'nico,VM,,2025-01-01,,,old']],
  ])('refuses a second row that replaces an order, %s', async (_, rows) => {
    const context = await shop();
    const file = await fileOf(REPLACING, ...rows);
    const line = 2 + rows.findIndex((row) => row.endsWith('other'));
    expect(await refusals(context, file)).toEqual([[line, 'replaces', 'old', 'ORDER_REPLACED']]);

    const done = await importOrders(context, file, { partial: true, dryRun: false });
    expect(done.refused[0]?.reason).toBe('Order "old" is replaced by order "new" already.');
    const { replacedBy } = await showOrder(context, { reference: parseReference('old') });
    const { id } = await showOrder(context, { reference: parseReference('new') });
    expect(replacedBy).toContain(id);

    // The successor is stored by now, and known by its id.
    await expect(importOrders(context, file, DEFAULTS)).rejects.toMatchObject({
      data: { refused: [{ line, reason: `Order "old" is replaced by order ${id} already.` }] },
    });
    await changeOrder(context, { reference: parseReference('new') }, { endsAt: at('2025-01-16') });
    expect(await importOrders(context, file, { partial: true, dryRun: false })).toMatchObject({
      inserted: 1,
      refused: [],
    });
  });

  it('refuses the second of two rows that replace an order, thousands of rows apart', async () => {
    const context = await shop();
    const between = Array.from({ length: 2500 }, (_, n) => `nico,VM,,2025-01-01,,,between-${n}`);
    const file = await fileOf(
      REPLACING,
      'nico,VM,,2025-01-01,,,old',
      CHEAPER,
      ...between,
      'nico,VM,,2025-01-20,,old,',
    );
    const planned = await importOrders(context, file, { partial: true, dryRun: true });
    expect(planned.refused).toMatchObject([
      { line: 2504, reason: 'Order "old" is replaced by order "new" already.' },
    ]);
    expect(await importOrders(context, file, { partial: true, dryRun: false })).toEqual(planned);
  });

  it('takes orders that end where they are replaced, or that `order replace` lets run on', async () => {
    const context = await shop();
    const file = await fileOf(
      REPLACING,
      'nico,VM,,2025-01-16,,early,early-too',
      'nico,VM,,2025-01-01,2025-01-10,,early',
      'nico,VM,,2025-01-01,2025-01-16,,exact',
      'nico,VM,9,2025-01-16,,exact,exact-too',
      'nico,VM,,2025-01-07,,full,full-too',
      'nico,VM,,2025-01-05,2025-02-04,,full',
      'nico,VM,,2025-01-01,2026-01-01,,taken-back',
      'nico,VM,,2025-01-16,2025-01-16,taken-back,never',
      'nico,VM,9,2025-01-16,,open,open-too',
      'nico,VM,,2025-01-01,,,open',
    );
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: 10 });
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: 0, unchanged: 10 });
    const open = await showOrder(context, { reference: parseReference('open') });
    expect(open).toMatchObject({ endsAt: null, end: at('2025-01-16') });
    const later = await fileOf(REPLACING, 'nico,VM,,2025-01-01,2025-03-01,,exact');
    await expect(importOrders(context, later, DEFAULTS)).rejects.toMatchObject({
      data: { refused: [{ field: 'ends_at', code: 'REFERENCE_TAKEN' }] },
    });
  });

  it('imports thousands of rows, a chain through all batches included', async () => {
    const context = await shop();
    const count = 5000;
    const rows = Array.from({ length: count }, (_, index) => {
      const replaced = index + 1 < count ? `r${index + 1}` : '';
      return `nico,VM,${replaced},r${index}`;
    });
    const file = await fileOf('username,product,replaces,reference', ...rows);
    expect(await importOrders(context, file, DEFAULTS)).toMatchObject({ inserted: count });
    const last = await showOrder(context, { reference: parseReference(`r${count - 1}`) });
    expect(last).toMatchObject({ replaces: null, replacedBy: [last.id + 1] });
    // Ids that were given out by the import are not given out again.
    const { order } = await createOrder(context, { username: parseUsername('anna'), product: VM }, {});
    expect(order.id).toBeGreaterThan(last.id + count - 1);
  });
});
