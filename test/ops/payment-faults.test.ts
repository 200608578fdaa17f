import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { qrReference } from '../../src/lib/core/payment.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import type { Database } from '../../src/lib/io/db/database.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { listPayments, recordPayment } from '../../src/lib/ops/payments.ts';
import { importStatement } from '../../src/lib/ops/statement-import.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { statement } from '../support/statement.ts';

const PAYMENT = {
  amount: parsePrice('20'),
  paidOn: parseDay('2025-02-03'),
  reference: parseReference('by hand'),
};

describeDatabases('payments on a database that goes away', (databases) => {
  const open = async () => {
    const context = (await openWithCustomers(await databases.context(), 3)).at('2025-02-03');
    await generateBills(context);
    return context;
  };
  const recorded = async (context: TestContext) =>
    (await listPayments(context)).map(({ number, amount, reference }) => `${number} ${amount} ${reference}`);

  const works: Record<string, (context: TestContext) => Promise<unknown>> = {
    'a payment': (context) => recordPayment(context, { number: 1 }, PAYMENT),
    'a statement': (context) => importStatement(context, join(databases.folder, 'faults.xml')),
  };

  it.each(
    Object.keys(works).flatMap((name) =>
      (['before', 'after'] as const).map((moment) => [name, moment] as const),
    ),
  )(
    'record %s whole or not at all, whatever statement is the last (%s it takes effect)',
    async (name, moment: Moment) => {
      const work = works[name] as (context: TestContext) => Promise<unknown>;
      const file = statement(
        [1, 2, 4].map((number) => ({ bank: `B${number}`, details: [{ references: [qrReference(number)] }] })),
      );
      await writeFile(join(databases.folder, 'faults.xml'), file);
      const model = await open();
      await work(model);
      const expected = await recorded(model);
      expect(expected.length).toBeGreaterThan(0);

      const { url } = await open();
      let last = 0;
      const seen = new Set<number>();
      for (let broke = true; broke; ) {
        last += 1;
        const doomed = await databases.context({ url, now: '2025-02-03' });
        let failure: unknown;
        const run = () =>
          work(doomed).catch((error: unknown) => {
            failure = error;
          });
        broke = await breakDatabase((_, count) => count === last, moment, run);
        const close = (database: Database) => database.close();
        await doomed.db().then(close, () => {});
        if (failure !== undefined) expect(failure, `statement ${last}`).toMatchObject({ exit: 75 });
        const context = await databases.context({ url, now: '2025-02-03' });
        const found = await recorded(context);
        seen.add(found.length);
        expect([[], expected], `statement ${last}`).toContainEqual(found);
        await (await context.db()).close();
      }
      expect(last).toBeGreaterThan(5);
      expect([...seen]).toEqual([0, expected.length]);
      const again = await databases.context({ url, now: '2025-02-03' });
      await work(again);
      expect(await recorded(again)).toEqual(expected);
    },
    60_000,
  );
});
