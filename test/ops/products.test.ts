import { expect, it } from 'vitest';
import { parseLine } from '../../src/lib/core/line.ts';
import { parsePriceOption, parseProductName, priceSet } from '../../src/lib/core/product.ts';
import { addDefaults } from '../../src/lib/ops/defaults.ts';
import { createProduct, listProducts } from '../../src/lib/ops/products.ts';
import { setProvider, showProvider } from '../../src/lib/ops/provider.ts';
import { describeDatabases } from '../support/databases.ts';

const product = (name: string, ...prices: string[]) => ({
  name: parseProductName(name),
  description: parseLine('description', 'A thing'),
  prices: priceSet(prices.map(parsePriceOption), 'EUR'),
});

const COUNTS = { recurring_periods: 8, providers: 1, products: 8, product_prices: 10 };
const NONE = { recurring_periods: 0, providers: 0, products: 0, product_prices: 0 };

describeDatabases('products', (databases) => {
  it('creates one with its prices and the periods that they need', async () => {
    const context = await databases.context();
    const thing = product('Thing', '30d=-1.5+10.0001', '7200=0+0.02', 'once=999999999.9999+0');
    const { product: made, created } = await createProduct(context, thing);
    expect(created).toBe(true);
    expect(made).toEqual({ id: 1, ...thing });
    expect(await listProducts(context)).toEqual([made]);
  });

  it('leaves an equal one alone and refuses another of the name', async () => {
    const context = await databases.context();
    const { product: made } = await createProduct(context, product('Thing', '30d=0+10', '365d=0+100'));
    const again = await createProduct(context.at('2026-01-01'), product('Thing', '30d=0+10', '365d=0+100'));
    expect(again).toEqual({ product: made, created: false });
    const other = createProduct(context, product('Thing', '365d=0+100', '30d=0+10'));
    await expect(other).rejects.toMatchObject({
      code: 'PRODUCT_EXISTS',
      data: {
        differences: [
          'the price for 30d (stored: 0.00+10.00 EUR by default; asked for: 0.00+10.00 EUR)',
          'the price for 365d (stored: 0.00+100.00 EUR; asked for: 0.00+100.00 EUR by default)',
        ],
      },
    });
    expect(await listProducts(context)).toEqual([made]);
  });
});

describeDatabases('defaults', (databases) => {
  it('adds everything once', async () => {
    const context = await databases.context();
    expect(await addDefaults(context, { dryRun: true })).toEqual({ created: COUNTS, unchanged: NONE });
    expect(await listProducts(context)).toEqual([]);
    expect(await addDefaults(context, { dryRun: false })).toEqual({ created: COUNTS, unchanged: NONE });
    const products = await listProducts(context);
    expect(products.find(({ name }) => name === 'VPN network')?.prices).toEqual(
      priceSet([parsePriceOption('365d=0+120')], 'CHF'),
    );
    expect(await addDefaults(context, { dryRun: false })).toEqual({ created: NONE, unchanged: COUNTS });
    expect(await listProducts(context)).toEqual(products);
  });

  it('keeps what staff changed and adds only what is missing', async () => {
    const context = await databases.context();
    await createProduct(context, product('VM', '7200=0+1'));
    const name = parseLine('name', 'Example AG');
    await setProvider(context, { name });
    expect((await addDefaults(context, { dryRun: false })).created).toEqual({
      recurring_periods: 8,
      providers: 0,
      products: 7,
      product_prices: 8,
    });
    const [vm] = await listProducts(context);
    expect(vm?.prices).toEqual(priceSet([parsePriceOption('7200=0+1')], 'EUR'));
    expect((await showProvider(context)).name).toBe(name);
  });

  it('does not bring back a price that staff removed, nor a period that they renamed', async () => {
    const context = await databases.context();
    await addDefaults(context, { dryRun: false });
    const { kysely } = await context.db();
    await kysely.deleteFrom('product_prices').where('product_id', '=', 1).execute();
    await kysely
      .updateTable('recurring_periods')
      .set({ name: 'weekly' })
      .where('name', '=', 'week')
      .execute();
    expect((await addDefaults(context, { dryRun: false })).created).toEqual(NONE);
    expect((await listProducts(context))[0]?.prices).toEqual([]);
  });
});
