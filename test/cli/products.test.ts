import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';

const OK = { code: 0, stderr: '' };

describeDatabases('products and the seller at the command line', (databases) => {
  it('db-add-defaults adds everything, then nothing', async () => {
    const url = await databases.freshUrl();
    expect((await uncloud(['db-add-defaults', '--dry-run', '--exit-code'], { url })).code).toBe(4);
    expect(await uncloud(['db-add-defaults'], { url })).toEqual({
      ...OK,
      stdout: `TABLE              CREATED  UNCHANGED
recurring_periods        8          0
providers                1          0
products                 8          0
product_prices          10          0
`,
    });
    expect(await uncloudJson(['db-add-defaults'], { url })).toEqual({
      schema_version: 1,
      created: { recurring_periods: 0, providers: 0, products: 0, product_prices: 0 },
      unchanged: { recurring_periods: 8, providers: 1, products: 8, product_prices: 10 },
    });
    expect((await uncloud(['product', 'list'], { url })).stdout).toContain(
      ' 1  VM              30d *       0.00      10.50  CHF       Virtual machine with IPv6: 1 core, ',
    );
  });

  it('product create makes one, finds it again, and refuses bad prices', async () => {
    const url = await databases.freshUrl();
    const create = ['product', 'create', 'Rack unit', '--description', 'One U'];
    const args = [...create, '--price', '30d=5+40', '--price', '365d=0+400', '--currency', 'EUR'];
    const { products } = await uncloudJson(args, { url });
    expect(products).toEqual([
      {
        id: 1,
        name: 'Rack unit',
        description: 'One U',
        prices: [
          {
            period: '30d',
            period_seconds: 2_592_000,
            one_time_price: '5.00',
            recurring_price: '40.00',
            currency: 'EUR',
            is_default: true,
          },
          {
            period: '365d',
            period_seconds: 31_536_000,
            one_time_price: '0.00',
            recurring_price: '400.00',
            currency: 'EUR',
            is_default: false,
          },
        ],
      },
    ]);
    expect(await uncloud(args, { url })).toEqual({
      code: 0,
      stderr: 'Product 1 exists already; nothing changed.\n',
      stdout: `ID  NAME       PERIOD  ONE-TIME  RECURRING  CURRENCY  DESCRIPTION
 1  Rack unit  30d *       5.00      40.00  EUR       One U
               365d        0.00     400.00  EUR
`,
    });
    const faults = [
      [1, 'PRODUCT_EXISTS', '--recurring-price', '40'],
      [2, 'INVALID_PRODUCT_PRICES'],
      [2, 'INVALID_PRODUCT_PRICES', '--price', 'once=1+1'],
      [2, 'INVALID_PRICE_OPTION', '--price', '30d=40'],
      [2, 'INVALID_PRICE', '--recurring-price', '4,5'],
      [2, 'INVALID_PRICE', '--one-time-price', '0.00001'],
      [2, 'NEGATIVE_PRICE', '--recurring-price', '-1'],
      [2, 'INVALID_PERIOD', '--recurring-price', '1', '--period', 'month'],
      [2, 'UNKNOWN_CURRENCY', '--recurring-price', '1', '--currency', 'QQQ'],
      [2, 'USAGE', '--recurring-price', '1', '--price', '30d=0+1'],
    ] as const;
    for (const [code, name, ...flags] of faults) {
      const { error } = await uncloudJson([...create, ...flags], { url, code });
      expect(error, flags.join(' ')).toMatchObject({ code: name, exit: code });
    }
    expect(await uncloudJson(['product', 'list'], { url })).toEqual({ schema_version: 1, products });
  });

  it('provider set changes what is given', async () => {
    const url = await databases.freshUrl();
    const args = [
      'provider',
      'set',
      '--name',
      'Example AG',
      '--country',
      'CH',
      '--iban',
      'CH9300762011623852957',
    ];
    const first = await uncloud([...args, '--registered-in', 'de', '--registered-in', 'AT'], { url });
    expect(first).toEqual({
      code: 0,
      stderr: 'Changed: name, country, iban, registered_in.\n',
      stdout: `Name           Example AG
Street         –
Postal code    –
City           –
Country        CH
VAT number     –
IBAN           CH93 0076 2011 6238 5295 7
One Stop Shop  no
Registered in  AT, DE
`,
    });
    expect(await uncloud(args, { url })).toEqual({ ...first, stderr: 'Nothing to change.\n' });
    const { provider } = await uncloudJson(['provider', 'set', '--registered-in', 'none', '--oss'], { url });
    expect(provider).toEqual({
      name: 'Example AG',
      street: '',
      city: '',
      postal_code: '',
      country: 'CH',
      vat_number: '',
      iban: 'CH9300762011623852957',
      oss: true,
      registered_in: [],
    });
    expect(await uncloudJson(['provider', 'show'], { url })).toEqual({ schema_version: 1, provider });
    const refused = await uncloudJson(['provider', 'set', '--iban', 'CH9300762011623852958'], {
      url,
      code: 2,
    });
    expect(refused.error).toMatchObject({ code: 'INVALID_IBAN' });
  });
});
