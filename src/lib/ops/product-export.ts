import { formatPrice } from '../core/money.ts';
import { periodName } from '../core/period.ts';
import type { Product } from '../core/product.ts';
import { inPages } from '../io/db/pages.ts';
import { findProductsPage } from '../io/db/products.ts';
import { type ExportOptions, type ExportPlan, exportFile } from '../io/export-file.ts';
import type { Context } from './context.ts';

const COLUMNS = [
  'name',
  'description',
  'period',
  'one_time_price',
  'recurring_price',
  'currency',
  'default',
] as const;

/**
 * Writes the prices of all products as `product import` reads them, in the order in which they were given.
 * @returns how many
 * @throws what `exportFile` throws
 */
export async function exportProducts(context: Context, options: ExportOptions): Promise<number> {
  const plan: ExportPlan<(typeof COLUMNS)[number]> = {
    things: 'prices',
    columns: COLUMNS,
    async *pages(batch) {
      for await (const products of inPages(batch, findProductsPage, ({ id }) => id)) {
        yield products.flatMap(rowsOf);
      }
    },
  };
  return exportFile(await context.db(), options, plan, context.progress);
}

function rowsOf({ name, description, prices }: Product) {
  return prices.map(({ period, oneTime, recurring, currency, isDefault }) => ({
    name,
    description,
    period: periodName(period),
    one_time_price: formatPrice(oneTime),
    recurring_price: formatPrice(recurring),
    currency,
    default: isDefault || null,
  }));
}
