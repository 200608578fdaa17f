import { expect, it } from 'vitest';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';
import { at } from '../support/shop.ts';

describeDatabases('uncloud bill explain', (databases) => {
  it('prints the formulas in numbers, and the document of the contract', async () => {
    const context = await openWithCustomers(await databases.context(), 1);
    await generateBills(context.at('2025-01-02'));
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-01-11') });
    await generateBills(context.at('2025-01-12'));
    const { url } = context;
    expect(await uncloud(['bill', 'explain', '2'], { url })).toEqual({
      code: 0,
      stdout: `Record          3: VM
Order           10
Period          0, which starts at 2025-01-01T00:00:00Z
From            2025-01-11T00:00:00Z
To              2025-01-30T23:59:59Z
Seconds         -1728000
Corrects        record 2
Charged before  10.00 × 1 × 2592000 s ÷ 2592000 s = 10.00
Charged after   10.00 × 1 × 864000 s ÷ 2592000 s ≈ 3.33
Net             3.33 − 10.00 = -6.67 CHF
VAT             8.1 %, domestic in CH, a rate since 2024-01-01
VAT reason      Seller and buyer are both in CH: the domestic rate applies.
Rule            What was charged for the time after the end of the order is given back, with the VAT that was charged (Directive 2006/112/EC Art. 90 and 219).
`,
      stderr: '',
    });
    expect((await uncloud(['bill', 'explain', 'id:1'], { url })).stdout).toContain(`Record          1: VM
Order           10
On              2025-01-01T00:00:00Z
Charged before  0.00
Charged after   5.00 × 1 = 5.00
Net             5.00 − 0.00 = 5.00 CHF
`);
    expect(await uncloudJson(['bill', 'explain', '2'], { url })).toMatchObject({
      schema_version: 1,
      bill: { number: 2, kind: 'credit_note', currency: 'CHF', net: '-6.67' },
      records: [
        {
          id: 3,
          seconds: -1_728_000,
          net: '-6.67',
          charged_before: '10.00',
          charged_after: '3.33',
          rate_valid_from: '2024-01-01',
          rule: expect.stringContaining('Art. 90'),
        },
      ],
    });
    expect(await uncloudJson(['bill', 'explain', '9'], { url, code: 1 })).toMatchObject({
      error: { code: 'UNKNOWN_BILL' },
    });
    expect(await uncloud(['bill', 'explain', 'nine'], { url })).toMatchObject({ code: 2 });
  });
});
