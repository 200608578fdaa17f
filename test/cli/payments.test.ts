import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { qrReference } from '../../src/lib/core/payment-reference.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
import { statement } from '../support/statement.ts';

describeDatabases('uncloud payment', (databases) => {
  /** Bills 1 (u1, 27.03 CHF), 2 (u2, CHF) and 3 (u2, 6.49 EUR). */
  const open = async () => {
    const url = await databases.freshUrl();
    const context = (await openWithCustomers(await databases.context({ url }), 2)).at('2025-02-03');
    await generateBills(context);
    return url;
  };

  it('records, shows and lists', async () => {
    const url = await open();
    const record = [
      'payment',
      'record',
      '1',
      '--amount',
      '20',
      '--date',
      '2025-02-10',
      '--reference',
      'ZV 1',
    ];
    expect(await uncloud([...record, '--dry-run'], { url })).toEqual({
      code: 0,
      stdout: 'Bill 1: 20.00 CHF paid, 7.03 CHF open\n',
      stderr: 'Would record 20.00 CHF for bill 1.\n',
    });
    expect((await uncloud(record, { url })).stderr).toBe('Recorded 20.00 CHF for bill 1.\n');
    const payment = {
      id: 1,
      bill: 1,
      bill_id: 1,
      username: 'u1',
      paid_on: '2025-02-10',
      amount: '20.00',
      currency: 'CHF',
      reference: 'ZV 1',
      recorded_at: expect.stringMatching(/Z$/),
    };
    const again = { schema_version: 1, payment, created: false, paid: '20.00', open: '7.03' };
    expect(await uncloudJson(record, { url })).toEqual(again);
    expect(await uncloudJson(['payment', 'list', '--bill', '1'], { url })).toEqual({
      schema_version: 1,
      payments: [payment],
    });
    expect((await uncloud(['payment', 'list'], { url })).stdout).toBe(
      `PAYMENT  BILL  USER  PAID ON     AMOUNT  CURRENCY  REFERENCE
      1     1  u1    2025-02-10   20.00  CHF       ZV 1
`,
    );
    expect((await uncloudJson(['bill', 'show', '1'], { url })).bill).toMatchObject({
      paid: '20.00',
      open: '7.03',
      due_on: '2025-02-13',
      payments: [payment],
    });
    const { bills } = await uncloudJson(['bill', 'list', '--overdue'], { url });
    expect(bills).toMatchObject([
      { number: 1, paid: '20.00', open: '7.03' },
      { number: 2, paid: '0.00' },
      { number: 3, open: '6.49' },
    ]);
    const { error } = await uncloudJson(record.with(4, '21'), { url, code: 1 });
    expect(error).toMatchObject({ code: 'PAYMENT_DIFFERS', number: 1 });
  });

  it('imports a statement, and lists what is not matched', async () => {
    const url = await open();
    const details = [{ references: [qrReference(1)], payer: 'Nico' }];
    const stdin = statement([
      { details },
      { bank: 'X9', details: [{ payer: 'Anna\u0085' }] },
      { direction: 'DBIT' },
    ]);
    const plan = await uncloud(['payment', 'import', '-', '--dry-run'], { url, stdin });
    expect(plan).toEqual({
      code: 3,
      stdout: `LINE  PAID ON     AMOUNT  CURRENCY  REFERENCE  PAYER       WHY
  41  2025-02-10   27.03  CHF       X9         Anna\\u0085  It has no structured reference.
`,
      stderr: `Record them by hand: uncloud payment record BILL --amount A --date DAY --reference R
Would import 2 receipts: 1 recorded, 0 known, 1 unmatched; 1 other entry.
`,
    });
    expect(await uncloudJson(['payment', 'import', '-'], { url, stdin, code: 3 })).toEqual({
      schema_version: 1,
      receipts: 2,
      inserted: 1,
      unchanged: 0,
      ignored: 1,
      unmatched_receipts: 1,
      unmatched: [
        {
          line: 41,
          paid_on: '2025-02-10',
          amount: '27.03',
          currency: 'CHF',
          reference: 'X9',
          creditor_references: [],
          end_to_end_id: null,
          payer: 'Anna\u0085',
          code: 'PAYMENT_WITHOUT_REFERENCE',
          message: 'It has no structured reference.',
          hint: expect.any(String),
        },
      ],
    });
    const known = statement([{ details }]);
    expect(await uncloud(['payment', 'import', '-'], { url, stdin: known })).toMatchObject({ code: 0 });
  });

  it('has one effect when many run at once', async () => {
    const url = await open();
    const file = join(databases.folder, `${databases.backend}-at-once.xml`);
    const entries = Array.from({ length: 40 }, (_, index) => ({
      bank: `B${index}`,
      amount: '1',
      details: [{ references: [qrReference(1 + (index % 2))] }],
    }));
    await writeFile(file, statement(entries));
    const record = ['payment', 'record', '1', '--amount', '1', '--date', '2025-02-10', '--reference', 'B0'];
    const outcomes = await Promise.all([
      ...Array.from({ length: 4 }, () => uncloud(['payment', 'import', file], { url })),
      ...Array.from({ length: 4 }, () => uncloud(record, { url })),
    ]);
    expect(outcomes.filter(({ code }) => code !== 0)).toEqual([]);
    const { payments } = (await uncloudJson(['payment', 'list'], { url })) as { payments: object[] };
    expect(payments).toHaveLength(40);
  });
});
