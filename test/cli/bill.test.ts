import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';

describeDatabases('uncloud bill', (databases) => {
  const open = async (customers: number) =>
    (await openWithCustomers(await databases.context(), customers)).url;

  it('warns when drafts are so old that their bills are overdue as they are issued', async () => {
    const url = await open(2);
    await uncloud(['bill', 'generate', '--until', '2025-02-03', '--draft'], { url });
    const outcome = async (...words: string[]) => {
      const { code, stderr } = await uncloud(['bill', 'close', '-q', ...words], { url });
      return { code, stderr };
    };
    const many =
      'Warning: 3 bills are overdue on the day that they are issued: the first is due on 2025-02-13.';
    expect(await outcome('--all', '--dry-run')).toEqual({
      code: 0,
      stderr: `${many} Issue as of today with --at now, or discard and generate anew.\n`,
    });
    expect(await outcome('1')).toEqual({
      code: 0,
      stderr: 'Warning: a bill is overdue on the day that it is issued: it is due on 2025-02-13.\n',
    });
    expect(await outcome('--all', '--at', 'now')).toEqual({ code: 0, stderr: '' });
  });

  it('warns when drafts would come out otherwise by now, before and after they are issued', async () => {
    const url = await open(5);
    await uncloud(['bill', 'generate', '--until', '2025-02-03', '--draft'], { url });
    const close = async (...words: string[]) =>
      (await uncloud(['bill', 'close', '-q', '--at', 'now', ...words], { url })).stderr;
    const plan = ['--all', '--dry-run'];
    expect(await close(...plan)).toBe('');
    await uncloud(['order', 'update', '10', '--ends-at', '2025-02-10'], { url });
    expect(await close(...plan)).toBe(
      'Warning: draft 1 would come out otherwise now; orders, VAT or addresses have changed since. Make it anew with: uncloud bill discard 1; then with: uncloud bill generate --draft\n',
    );
    await uncloud(['provider', 'set', '--city', 'Glarus'], { url });
    expect(await close(...plan)).toBe(
      'Warning: 7 of 7 drafts would come out otherwise now: 1, 2, 3 and 4 more; orders, VAT or addresses have changed since. Make them anew with: uncloud bill discard 1 2 3 …; then with: uncloud bill generate --draft\n',
    );
    const stays = 'The next run bills or credits what orders owe; VAT and addresses stay.\n';
    expect(await close('2')).toBe(
      `Warning: bill 1 is as its draft was made, and would come out otherwise now; orders, VAT or addresses have changed since. ${stays}`,
    );
    expect(await close('1', '3')).toBe(
      `Warning: 2 of 2 bills are as their drafts were made, and would come out otherwise now: 2, 3; orders, VAT or addresses have changed since. ${stays}`,
    );
    const { bills } = await uncloudJson(['bill', 'close', '4', '--at', 'now', '--dry-run'], { url });
    expect(bills).toMatchObject([{ id: 4, number: null, outdated: true }]);
  });

  it('generates bills, lists and shows them, and verifies the history', async () => {
    const url = await open(2);
    const until = ['--until', '2025-02-03'];
    expect(await uncloud(['bill', 'generate', ...until], { url })).toEqual({
      code: 0,
      stdout: `NUMBER  ID  USER  ISSUED                KIND       NET   VAT  TOTAL  CURRENCY
     1   1  u1    2025-02-03T00:00:00Z  invoice  25.00  2.03  27.03  CHF
     2   2  u2    2025-02-03T00:00:00Z  invoice  25.00  2.03  27.03  CHF
     3   3  u2    2025-02-03T00:00:00Z  invoice   6.00  0.49   6.49  EUR

TOTALS    NET   VAT  TOTAL
CHF     50.00  4.06  54.06
EUR      6.00  0.49   6.49
`,
      stderr: 'Made 3 bills.\n',
    });
    expect(await uncloud(['bill', 'generate', ...until], { url })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Nothing to bill.\n',
    });
    expect(
      (await uncloud(['bill', 'list', '--currency', 'EUR'], { url })).stdout,
    ).toBe(`NUMBER  ID  USER  ISSUED                DUE         KIND      NET   VAT  TOTAL  OPEN  CURRENCY
     3   3  u2    2025-02-03T00:00:00Z  2025-02-13  invoice  6.00  0.49   6.49  6.49  EUR
`);
    expect((await uncloud(['bill', 'show', '1'], { url })).stdout).toBe(`Number             1
Id                 1
Kind               invoice
Issued             2025-02-03T00:00:00Z
Due                2025-02-13
Paid               0.00 CHF
Open               27.03 CHF
User               u1
Buyer              –
Buyer country      CH
Buyer VAT number   –
Seller             Example Hosting AG
Seller country     CH
Seller VAT number  –

ORDER  DESCRIPTION  FROM                  TO                    QTY  UNIT PRICE  VAT %  NET CHF
10     VM           2025-01-01T00:00:00Z                          1        5.00    8.1     5.00
10     VM           2025-01-01T00:00:00Z  2025-01-30T23:59:59Z    1       10.00    8.1    10.00
10     VM           2025-01-31T00:00:00Z  2025-03-01T23:59:59Z    1       10.00    8.1    10.00

VAT       TERRITORY  VAT %    NET   VAT  TOTAL
domestic  CH           8.1  25.00  2.03  27.03
Total     CHF               25.00  2.03  27.03

Seller and buyer are both in CH: the domestic rate applies.
`);
    const verified = await uncloud(['bill', 'verify'], { url });
    expect({ ...verified, stderr: verified.stderr.replace(/yet: \d+/, 'yet: N') }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No faults. Bills: 3; records: 10; orders: 3; due and not billed yet: N.\n',
    });
  });

  it('gives the documents of the contract', async () => {
    const url = await open(1);
    const generate = ['bill', 'generate', '--until', '2025-01-01'];
    const bill = {
      id: null,
      number: null,
      kind: 'invoice',
      username: 'u1',
      currency: 'CHF',
      issued_at: '2025-01-01T00:00:00Z',
      due_on: '2025-01-11',
      net: '15.00',
      vat: '1.22',
      total: '16.22',
      records: 2,
    };
    const run = {
      schema_version: 1,
      until: '2025-01-01T00:00:00Z',
      bills: [bill],
      truncated: false,
      created: 1,
      skipped: [],
      totals: { CHF: { net: '15.00', vat: '1.22', total: '16.22' } },
    };
    const dryRun = [...generate, '--dry-run', '--exit-code'];
    expect(await uncloudJson(dryRun, { url, code: 4 })).toEqual(run);
    const draft = { ...bill, id: 1, due_on: null };
    expect(await uncloudJson([...generate, '--draft'], { url })).toEqual({ ...run, bills: [draft] });
    expect(await uncloudJson(dryRun, { url, code: 3 })).toMatchObject({
      created: 0,
      skipped: [
        { username: 'u1', code: 'DRAFT_PENDING', message: 'The user has a draft bill with the id 1.' },
      ],
    });
    const balance = { paid: '0.00', open: '16.22' };
    const issued = { ...bill, ...balance, id: 1, number: 1 };
    const documentOf = (one: object) => ({ schema_version: 1, bills: [one] });
    const closed = documentOf({ ...issued, outdated: false });
    expect(await uncloudJson(['bill', 'close', '1'], { url })).toEqual(closed);
    expect(await uncloudJson(['bill', 'list', '--user', 'u1'], { url })).toEqual(documentOf(issued));
    const record = {
      id: 2,
      order_id: 10,
      order_reference: null,
      kind: 'recurring',
      period_index: 0,
      period_start: '2025-01-01T00:00:00Z',
      period_end: '2025-01-31T00:00:00Z',
      seconds: 2_592_000,
      quantity: 1,
      unit_price: '10.00',
      net: '10.00',
      vat_treatment: 'domestic',
      vat_territory: 'CH',
      vat_rate: '0.081',
      vat_reason: 'Seller and buyer are both in CH: the domestic rate applies.',
      description: 'VM',
      corrects: null,
    };
    const once = { period_index: null, period_end: '2025-01-01T00:00:00Z', seconds: 0 };
    expect(await uncloudJson(['bill', 'show', '1'], { url })).toEqual({
      schema_version: 1,
      bill: {
        ...bill,
        ...balance,
        payments: [],
        id: 1,
        number: 1,
        seller: expect.objectContaining({ name: 'Example Hosting AG', country: 'CH' }),
        buyer: expect.objectContaining({ username: 'u1', country: 'CH' }),
        records: [{ ...record, ...once, id: 1, kind: 'one_time', unit_price: '5.00', net: '5.00' }, record],
        vat_breakdown: [
          { treatment: 'domestic', territory: 'CH', rate: '0.081', base: '15.00', vat: '1.22' },
        ],
      },
    });
    const checked = { bills: 1, records: 2, orders: 1 };
    expect(await uncloudJson(['bill', 'verify'], { url })).toEqual({
      schema_version: 1,
      checked,
      pending: 1,
      faults: [],
    });
  });

  it('bills the others when users are skipped, and asks before a draft is deleted', async () => {
    const url = await open(2);
    const context = await databases.context({ url });
    await (await context.db()).kysely.deleteFrom('billing_addresses').where('user_id', '=', 1).execute();
    const outcome = await uncloud(['bill', 'generate', '--until', '2025-01-01', '--draft'], { url });
    expect(outcome).toMatchObject({
      code: 3,
      stderr: `Warning: u1 is skipped (MISSING_COUNTRY): The billing address has no country, so the VAT cannot be decided.
  Set it with \`uncloud user update u1 --country CC\`.
Made 1 draft; 1 user is skipped, whom --json lists.
`,
    });
    expect(await uncloud(['bill', 'discard', '1'], { url })).toMatchObject({ code: 2, stdout: '' });
    expect(await uncloud(['bill', 'discard', '1', '--yes'], { url })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Draft 1 is deleted; what it charged is due again.\n',
    });
    expect(await uncloud(['bill', 'show', 'id:1'], { url })).toMatchObject({ code: 1 });
    expect(await uncloud(['bill', 'show', 'one'], { url })).toMatchObject({ code: 2 });
  });

  it('ends with 1 when the history has a fault', async () => {
    const url = await open(1);
    await uncloud(['bill', 'generate', '--until', '2025-01-01'], { url });
    const context = await databases.context({ url });
    const { kysely } = await context.db();
    await kysely.updateTable('bill_counters').set({ last_number: 5 }).execute();
    expect(await uncloud(['bill', 'verify', '--quiet'], { url })).toEqual({
      code: 1,
      stdout: `CODE        BILL  ORDER  MESSAGE
NUMBER_GAP               The counter of bills stands at 5, but the highest number given is 1.
`,
      stderr: '',
    });
  });
});
