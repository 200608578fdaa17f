import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { openShop } from '../support/shop.ts';
import { tamper } from '../support/tamper.ts';

describeDatabases('orders at the command line', (databases) => {
  async function shop(): Promise<string> {
    const context = await openShop(await databases.context());
    return context.url;
  }

  it('lists any number of them, in one document and under one line of titles', async () => {
    const context = await databases.context();
    const { url } = context;
    const list = async (...args: string[]) => (await uncloud(['order', 'list', ...args], { url })).stdout;
    expect(await list('--json')).toBe('{\n  "schema_version": 1,\n  "orders": []\n}\n');

    await uncloudJson(['db', 'seed', '--users', '7', '--orders-per-user', '300', '--networks', '0'], { url });
    const text = await list('--json');
    const document = JSON.parse(text) as { orders: { id: number }[] };
    expect(text).toBe(`${JSON.stringify(document, null, 2)}\n`);
    const ids = Array.from({ length: 2100 }, (_, index) => index + 1);
    expect(document.orders.map(({ id }) => id)).toEqual(ids);
    const [titles, ...lines] = (await list()).trimEnd().split('\n');
    expect(titles).toMatch(/^ +ID /);
    expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(ids);

    if (databases.backend === 'sqlite') return;
    // No number of this program: the second page cannot be read.
    const unchecked = 'alter table orders drop constraint orders_starts_at';
    await tamper(context, `${unchecked}; update orders set starts_at = 9007199254740993 where id = 2100`);
    const broken = await uncloud(['order', 'list', '--json'], { url });
    expect([broken.code, broken.stdout.match(/schema_version/g)?.length]).toEqual([70, 1]);
    expect(broken.stderr).toContain('Error: ');
  });

  it('creates, lists, replaces, cancels and shows', async () => {
    const url = await shop();
    const create = ['order', 'create', '--user', 'nico', '--product', 'VM', '--reference', 'nico-vm'];
    const created = await uncloud([...create, '--starts-at', '2025-01-01', '--ends-at', '2026-01-01'], {
      url,
    });
    expect(created).toEqual({
      code: 0,
      stderr: 'Created order 1.\n',
      stdout: `Id               1
Reference        nico-vm
User             nico
Product          VM
Description      VM
Quantity         1
One-time price   1.00 CHF
Recurring price  10.00 CHF
Period           30d
Charge           advance
Commitment       1 period
Starts           2025-01-01T00:00:00Z
Ends             2026-01-01T00:00:00Z (last second 2025-12-31T23:59:59Z)
Service ends     –
For billing      yes
Replaces         –
Replaced by      –
`,
    });
    expect(await uncloud(create, { url })).toEqual({
      ...created,
      stderr: 'Order 1 exists already; nothing changed.\n',
    });
    const replaced = await uncloud(
      ['order', 'replace', 'nico-vm', '--product', 'Big VM', '--at', '2025-01-16', '--reference', '42'],
      { url },
    );
    expect(replaced).toEqual({
      code: 0,
      stderr: 'Replaced order 1 by order 2 (upgrade).\n',
      stdout: `ID  REFERENCE  USER  PRODUCT  QTY               PRICE  STARTS                ENDS
 1  nico-vm    nico  VM         1  1.00+10.00 CHF/30d  2025-01-01T00:00:00Z  2025-01-16T00:00:00Z
 2  42         nico  Big VM     1  5.00+20.00 CHF/30d  2025-01-16T00:00:00Z
`,
    });
    const list = await uncloud(['order', 'list'], { url });
    expect(list).toEqual({ code: 0, stderr: '', stdout: replaced.stdout });
    const cancelled = await uncloudJson(['order', 'cancel', 'ref:42', '--at', '2025-01-17'], { url });
    expect(cancelled).toEqual({
      schema_version: 1,
      changed: true,
      order: {
        id: 2,
        username: 'nico',
        product: 'Big VM',
        description: 'Big VM',
        quantity: 1,
        starts_at: '2025-01-16T00:00:00Z',
        ends_at: '2025-02-15T00:00:00Z',
        period: '30d',
        period_seconds: 2_592_000,
        recurring_price: '20.00',
        one_time_price: '5.00',
        currency: 'CHF',
        commitment_periods: 1,
        charge: 'advance',
        service_ends_at: null,
        not_for_billing: false,
        replaces: 1,
        replaced_by: [],
        reference: '42',
        created_at: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    });
    const { orders } = await uncloudJson(['order', 'show', '1'], { url });
    expect(orders).toMatchObject([{ id: 1, ends_at: '2025-01-16T00:00:00Z', replaced_by: [2] }]);
    const updated = await uncloudJson(['order', 'update', 'nico-vm', '--ends-at', 'none'], { url });
    expect(updated).toMatchObject({ changed: true, order: { ends_at: '2025-01-16T00:00:00Z' } });
    const active = await uncloudJson(['order', 'list', '--active', '--user', 'nico'], { url });
    expect(active.orders).toEqual([]);
  });

  it('shows a plan and changes nothing', async () => {
    const url = await shop();
    const adjustment = ['order', 'create', '--user', 'nico', '--one-time-price', '-5', '--currency', 'CHF'];
    const { order } = await uncloudJson([...adjustment, '--starts-at', '2025-01-01'], { url });
    expect(order).toMatchObject({ one_time_price: '-5.00', period: 'once', period_seconds: null });
    const replace = ['order', 'replace', '1', '--one-time-price', '-6', '--at', '2025-01-01', '--dry-run'];
    const planned = await uncloudJson(replace, { url });
    expect(planned).toMatchObject({
      kind: 'before-start',
      order: { id: null, replaces: 1, one_time_price: '-6.00' },
      replaced: { id: 1, ends_at: '2025-01-01T00:00:00Z' },
    });
    const cancel = await uncloud(['order', 'cancel', '1', '--at', '2025-01-01', '--dry-run'], { url });
    expect(cancel.stderr).toBe('Would cancel order 1.\n');
    expect(cancel.stdout).toContain('Ends             2025-01-01T00:00:00Z (it never runs)\n');
    const { orders } = await uncloudJson(['order', 'list'], { url });
    expect(orders).toMatchObject([{ id: 1, ends_at: null, replaced_by: [] }]);
  });

  it.each<[string[], number, string]>([
    [['--recurring-price=-5'], 2, '--recurring-price: The price "-5" is negative.'],
    [['--recurring-price', '1e3'], 2, '--recurring-price: "1e3" is not a price.'],
    [['--recurring-price', '10,50'], 2, '--recurring-price: "10,50" is not a price.'],
    [
      ['--quantity', '0'],
      2,
      `--quantity: The order's quantity is "0", and must be a whole number from 1 to 2147483647.`,
    ],
    [
      ['--starts-at', '2025-02-01', '--ends-at', '2025-01-01'],
      1,
      "The order's end is 2025-01-01T00:00:00Z, and must be from its start, 2025-02-01T00:00:00Z, to the year 9999.",
    ],
    [['--product', 'Toaster'], 1, 'There is no product "Toaster".'],
    [['--user', 'nobody'], 1, 'There is no user "nobody".'],
    [['--recurring-price', '0.001'], 1, '0.001 CHF for a whole period rounds to nothing.'],
  ])('refuses %j in one line', async (args, code, message) => {
    const url = await shop();
    const user = args.includes('--user') ? [] : ['--user', 'nico'];
    const product = args.includes('--product') ? [] : ['--product', 'VM'];
    const outcome = await uncloud(['order', 'create', ...user, ...product, ...args], { url });
    expect({ ...outcome, stderr: outcome.stderr.split('\n')[0] }).toEqual({
      code,
      stdout: '',
      stderr: `Error: ${message}`,
    });
  });

  it('imports from standard input, all or nothing, or partly', async () => {
    const url = await shop();
    const stdin = 'username,product,quantity,reference\nnico,VM,1,a\nnobody,VM,1,b\nnico,VM,-1,c\n';
    const refused = await uncloud(['order', 'import', '-'], { url, stdin });
    const table = `LINE  COLUMN    REASON
   3  username  There is no user "nobody".
   4  quantity  The order's quantity is "-1", and must be a whole number from 1 to 2147483647.
`;
    expect(refused).toMatchObject({ code: 1, stdout: table });
    expect(await uncloudJson(['order', 'list'], { url })).toMatchObject({ orders: [] });
    const partly = await uncloud(['order', 'import', '-', '--partial'], { url, stdin });
    expect(partly).toEqual({
      code: 3,
      stdout: table,
      stderr: expect.stringMatching(
        /^username: .*\nquantity: .*\nImported orders: 1 inserted, 0 updated, .*2 refused\.\n$/,
      ),
    });
    const faulty = 'username,product,starts_at,recurring_price,period\nnico,VM,31.12.2026,"10,50",month\n';
    const { error } = await uncloudJson(['order', 'import', '-'], { url, stdin: faulty, code: 1 });
    expect((error as { refused: { hint: string }[] }).refused.map(({ hint }) => hint)).toEqual([
      expect.stringContaining('2026-01-31'),
      expect.stringContaining('Write 365d'),
      expect.stringContaining('10.50'),
    ]);
    const good = stdin.split('\n').slice(0, 2).join('\n');
    const again = await uncloudJson(['order', 'import', '-'], { url, stdin: good });
    expect(again).toMatchObject({ rows: 1, inserted: 0, updated: 0, unchanged: 1, refused: [] });
  });
});
