import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { creditorReference, qrReference } from '../../src/lib/core/payment-reference.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { recordPayment } from '../../src/lib/ops/payments.ts';
import { importStatement } from '../../src/lib/ops/statement-import.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listBills, listPayments } from '../support/lists.ts';
import { at } from '../support/shop.ts';
import { type GivenEntry, statement } from '../support/statement.ts';

describeDatabases('the import of a statement', (databases) => {
  /** Bills 1 (u1, 27.03 CHF), 2 (u2, CHF) and 3 (u2, 6.49 EUR). */
  const open = async () => {
    const context = (await openWithCustomers(await databases.context(), 2)).at('2025-02-03');
    await generateBills(context);
    return context.at('2025-02-11');
  };
  let files = 0;
  const fileOf = async (entries: readonly GivenEntry[]) => {
    files += 1;
    const file = join(databases.folder, `statement-${files}.xml`);
    await writeFile(file, statement(entries));
    return file;
  };
  const run = async (context: TestContext, ...entries: GivenEntry[]) => {
    const result = await importStatement(context, await fileOf(entries));
    const { inserted, unchanged, ignored, unmatched } = result;
    return { inserted, unchanged, ignored, unmatched: unmatched.map(({ refusal }) => refusal.code) };
  };
  const payments = async (context: TestContext) =>
    (await listPayments(context)).map(({ number, amount, reference }) => `${number} ${amount} ${reference}`);
  const pays = (number: number, given: GivenEntry = {}): GivenEntry => ({
    ...given,
    details: [{ references: [qrReference(number)] }],
  });

  it('records the credits that name a bill, and the same file again changes nothing', async () => {
    const context = await open();
    const file = await fileOf([
      {
        amount: '30.00',
        details: [
          { amount: '27.03', bank: 'T1', references: [qrReference(1)] },
          { amount: '2.97', bank: 'T2', references: [creditorReference(2)] },
        ],
      },
      pays(3, { bank: null, amount: '6.49', currency: 'EUR' }),
      { direction: 'DBIT', bank: 'D1' },
      pays(1, { status: 'PDNG', bank: 'P1' }),
    ]);
    const expected = {
      receipts: 3,
      inserted: 3,
      unchanged: 0,
      ignored: 2,
      unmatched: [],
      unmatchedReceipts: 0,
    };
    expect(await importStatement(context, file, { dryRun: true })).toEqual(expected);
    expect(await payments(context)).toEqual([]);
    expect(await importStatement(context, file)).toEqual(expected);
    const recorded = await payments(context);
    expect(recorded).toEqual([
      '1 2703 T1',
      '2 297 T2',
      `3 649 CH9300762011623852957 2025-02-10 6.49 EUR ${qrReference(3)}`,
    ]);
    expect(await importStatement(context, file)).toEqual({ ...expected, inserted: 0, unchanged: 3 });
    expect(await importStatement(context, file, { dryRun: true })).toMatchObject({
      inserted: 0,
      unchanged: 3,
    });
    expect(await payments(context)).toEqual(recorded);
  });

  it('lists what names no bill for certain, until it is recorded by hand', async () => {
    const context = await open();
    const entries: GivenEntry[] = [
      { bank: 'N1' },
      { bank: 'N2', details: [{ references: ['210000000003139471430009017'] }] },
      { bank: 'N3', details: [{ references: [qrReference(1), qrReference(2)] }] },
      pays(99, { bank: 'N4' }),
      pays(1, { bank: 'N5', currency: 'EUR' }),
      { bank: 'N6', details: [{ amount: '1', references: [qrReference(1)] }, { amount: '2' }] },
      pays(1, { bank: 'N7', direction: 'DBIT', reversal: true }),
      pays(1, { bank: 'N8', amount: '10.005' }),
      pays(1, { bank: 'N9', amount: '90071992547409.92' }),
    ];
    const unmatched = [
      'PAYMENT_WITHOUT_REFERENCE',
      'FOREIGN_REFERENCE',
      'SEVERAL_REFERENCES',
      'UNKNOWN_BILL',
      'PAYMENT_CURRENCY',
      'STATEMENT_DETAILS',
      'PAYMENT_WRONG_WAY',
      'INVALID_AMOUNT',
      'PAYMENT_TOO_LARGE',
    ];
    expect(await run(context, ...entries)).toEqual({ inserted: 0, unchanged: 0, ignored: 0, unmatched });
    const record = (number: number, amount: string, reference: string) =>
      recordPayment(
        context,
        { number },
        { amount: parsePrice(amount), paidOn: parseDay('2025-02-10'), reference: parseReference(reference) },
      );
    await record(1, '27.03', 'N1');
    await record(1, '20', 'N3');
    await record(2, '7.03', 'N3');
    await record(2, '5', 'N4');
    expect(await run(context, ...entries)).toMatchObject({
      // Bill 1 has money now, so that the bank can take N7 back.
      inserted: 1,
      unchanged: 2,
      unmatched: unmatched.filter((code) => !/WITHOUT|SEVERAL|WRONG_WAY/.test(code)),
    });
  });

  it('stores amounts up to the largest of a bill, and the others are listed with line and amount', async () => {
    const context = await open();
    const file = await fileOf([
      pays(1, { bank: 'L1', amount: '90071992547409.91' }),
      pays(1, { bank: 'L2', amount: '999999999999999999' }),
      pays(2, { bank: 'L3' }),
    ]);
    const { inserted, unmatched } = await importStatement(context, file);
    expect(inserted).toBe(2);
    expect(unmatched.map(({ receipt, refusal }) => [receipt.line, refusal.message])).toEqual([
      [expect.any(Number), '999999999999999999.00 CHF is more than any bill can be.'],
    ]);
    expect(await payments(context)).toEqual(['1 9007199254740991 L1', '2 2703 L3']);
  });

  it('takes back what the bank took back', async () => {
    const context = await open();
    const paid = pays(1, { bank: 'B1' });
    const back = pays(1, { bank: 'B1', direction: 'DBIT', reversal: true });
    expect(await run(context, paid, back)).toMatchObject({ inserted: 2, unmatched: [] });
    expect(await run(context, paid, back)).toMatchObject({ inserted: 0, unchanged: 2, unmatched: [] });
    expect(await payments(context)).toEqual(['1 2703 B1', '1 -2703 B1 reversed']);
    expect((await listBills(context, { unpaid: true })).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it('counts what it recorded itself once, however many batches the statement takes', async () => {
    const context = await open();
    const others = Array.from({ length: 1000 }, (_, at) => ({ bank: `N${at}` }));
    const back = (bank: string) => pays(1, { bank, direction: 'DBIT', reversal: true });
    const file = await fileOf([pays(1, { bank: 'B1' }), ...others, back('B1'), back('B2')]);
    for (const dryRun of [true, false]) {
      const { inserted, unmatched } = await importStatement(context, file, { dryRun });
      expect([inserted, unmatched.length, unmatched[0]?.refusal.code]).toEqual([
        2,
        1000,
        'PAYMENT_WITHOUT_REFERENCE',
      ]);
      expect(await payments(context)).toEqual(dryRun ? [] : ['1 2703 B1', '1 -2703 B1 reversed']);
    }
  });

  it('does not believe one name for two payments of a bill', async () => {
    const context = await open();
    const twice = [pays(1, { bank: 'B1' }), pays(1, { bank: 'B1' })];
    for (const first of [{ inserted: 1 }, { inserted: 0, unchanged: 1 }]) {
      expect(await run(context, ...twice)).toMatchObject({ ...first, unmatched: ['PAYMENT_REPEATED'] });
    }
    expect(await run(context, pays(1, { bank: 'B1', amount: '1' }))).toMatchObject({
      unmatched: ['PAYMENT_DIFFERS'],
    });
    const two = [{ bank: 'X1' }, { bank: 'X1' }];
    const given = { amount: parsePrice('27.03'), paidOn: parseDay('2025-02-10') };
    await recordPayment(context, { number: 1 }, { ...given, reference: parseReference('X1') });
    expect(await run(context, ...two)).toMatchObject({
      unchanged: 1,
      unmatched: ['PAYMENT_WITHOUT_REFERENCE'],
    });
  });

  it('gives credit notes back only', async () => {
    const context = await open();
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-01-02') });
    const { bills } = await generateBills(context);
    const [number = 0] = bills.flatMap(({ bill, number: own }) =>
      bill.kind === 'credit_note' ? [own ?? 0] : [],
    );
    expect(number).toBeGreaterThan(3);
    expect(await run(context, pays(number))).toMatchObject({ unmatched: ['PAYMENT_WRONG_WAY'] });
  });

  it('is all or nothing when the file is faulty', async () => {
    const context = await open();
    const file = await fileOf([pays(1)]);
    const content = statement([pays(1), pays(2, { bank: 'B2' })]);
    await writeFile(file, content.slice(0, -20));
    await expect(importStatement(context, file)).rejects.toMatchObject({ code: 'XML_MALFORMED' });
    await writeFile(file, content.replace('>B2<', `>${'B'.repeat(200)}<`));
    await expect(importStatement(context, file)).rejects.toMatchObject({
      code: 'INVALID_TEXT',
      message: expect.stringContaining(`${file}, line `),
    });
    expect(await payments(context)).toEqual([]);
    const missing = importStatement(context, join(databases.folder, 'none.xml'));
    await expect(missing).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });
});
