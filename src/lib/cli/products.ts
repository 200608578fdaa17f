import { CURRENCY_DECIMALS, formatPrice } from '../core/money.ts';
import { periodName } from '../core/period.ts';
import type { Product } from '../core/product.ts';
import { type Cell, renderTable, right, toCode } from './table.ts';

/** A product as `--json` gives it. */
export function productDocument({ id, name, description, prices }: Product & { readonly id: number }) {
  return {
    id,
    name,
    description,
    prices: prices.map(({ period, oneTime, recurring, currency, isDefault }) => ({
      period: periodName(period),
      period_seconds: period,
      one_time_price: formatPrice(oneTime, CURRENCY_DECIMALS[currency]),
      recurring_price: formatPrice(recurring, CURRENCY_DECIMALS[currency]),
      currency,
      is_default: isDefault,
    })),
  };
}

/** Products as a table with a line for each price; the default of several is marked. */
export function productTable(products: readonly (Product & { readonly id: number })[]): string {
  const rows = products.map(productDocument).flatMap(({ id, name, description, prices }): Cell[][] => {
    const lines = prices.map((price) => [
      prices.length > 1 && price.is_default ? `${price.period} *` : price.period,
      price.one_time_price,
      price.recurring_price,
      price.currency,
    ]);
    const [first = ['', '', '', ''], ...others] = lines;
    return [[id, name, ...first, description], ...others.map((cells) => ['', '', ...cells, ''])];
  });
  return renderTable(
    [
      right('id'),
      { title: 'name' },
      { title: 'period' },
      right('one-time'),
      right('recurring'),
      { title: 'currency', shorten: toCode },
      { title: 'description', yields: true },
    ],
    rows,
  );
}
