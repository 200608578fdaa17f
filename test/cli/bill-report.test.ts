import { expect, it } from 'vitest';
import { reportTable } from '../../src/lib/cli/bill-report.ts';
import { reportBills } from '../../src/lib/ops/bill-report.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { uncloud } from '../support/cli.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases } from '../support/databases.ts';

describeDatabases('uncloud bill report', (databases) => {
  const open = async () => {
    const context = await openWithCustomers(await databases.context(), 4);
    for (const day of ['2025-01-01', '2025-03-01', '2025-04-01']) await generateBills(context.at(day));
    return context;
  };

  it('prints a table, or CSV', async () => {
    const { url } = await open();
    expect((await uncloud(['bill', 'report'], { url })).stdout).toBe(
      `CURRENCY  TREATMENT    TERRITORY  VAT %     NET    VAT   TOTAL
CHF       destination  DE            19   45.00   8.55   53.55
CHF       domestic     CH           8.1  198.33  16.07  214.40
EUR       destination  DE            19   18.00   3.42   21.42
EUR       domestic     CH           8.1   18.00   1.46   19.46
CHF       Total                          243.33  24.62  267.95
EUR       Total                           36.00   4.88   40.88
`,
    );
    const csv = ['bill', 'report', '--by', 'month', '--by', 'product', '--csv', '--to', '2025-03-01'];
    expect(await uncloud(csv, { url })).toEqual({
      code: 0,
      stdout: 'currency,month,product,net,vat,total\r\nCHF,2025-01,,63.33,,\r\n',
      stderr: '',
    });
    expect(await uncloud(['bill', 'report', '--to', '2024-01-01'], { url })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No bills were issued then.\n',
    });
    expect(await uncloud([...csv, '--json'], { url })).toMatchObject({ code: 2 });
  });

  it('draws the months where a terminal has room for them', async () => {
    const report = await reportBills(await open(), new Set(['territory']));
    const lines = reportTable(report, 80).split('\n');
    expect(lines[0]).toMatch(/ TOTAL {2}MONTHS$/);
    expect(lines[1]).toMatch(/ 214\.40 {2}▅▁▇█$/);
    expect(lines.at(-1)).toMatch(/ 40\.88$/);
    expect(reportTable(report, 45)).not.toMatch(/MONTHS|…/);
    expect(reportTable(report, undefined)).not.toContain('MONTHS');
    const monthly = await reportBills(await open(), new Set(['month']));
    expect(reportTable(monthly, 200)).not.toContain('MONTHS');
  });
});
