import type { Transaction } from 'kysely';
import { parseBoolean } from '../core/boolean.ts';
import { refuse } from '../core/errors.ts';
import type { ImportResult } from '../core/import-report.ts';
import { parseCurrency, parsePrice } from '../core/money.ts';
import { parsePeriod } from '../core/period.ts';
import {
  changeProduct,
  type Product,
  type ProductName,
  type ProductRow,
  parseProductDescription,
  parseProductName,
  periodOfRow,
  productDifferences,
} from '../core/product.ts';
import { findProducts, type ProductWrite, saveProducts } from '../io/db/products.ts';
import type { Schema } from '../io/db/schema.ts';
import { StagedKeys } from '../io/db/staged.ts';
import { type ImportOptions, type ImportPlan, type ImportRun, importFile } from '../io/import-file.ts';
import type { ImportRow } from '../io/import-rows.ts';
import type { Context } from './context.ts';

const PARSERS = {
  name: parseProductName,
  description: parseProductDescription,
  period: parsePeriod,
  one_time_price: (text: string) => parsePrice(text, { negative: true }),
  recurring_price: (text: string) => parsePrice(text),
  currency: parseCurrency,
  default: (text: string) => parseBoolean('default', text),
};

type Parsers = typeof PARSERS;
type Row = ImportRow<Parsers>;

/**
 * Creates and updates products from a file, in one transaction. A row is the price of a product with one period; empty
 * cells and absent columns leave what is stored as it is, and an import never removes a price.
 * @throws what `importFile` throws
 */
export async function importProducts(context: Context, options: ImportOptions): Promise<ImportResult> {
  const plan: ImportPlan<Parsers> = {
    things: 'products',
    topic: 'products',
    format: {
      parsers: PARSERS,
      required: ['name'],
      numbers: ['period', 'one_time_price', 'recurring_price'],
      booleans: ['default'],
      fields: { INVALID_PRODUCT_PRICES: 'recurring_price' },
    },
    key: {
      column: 'period',
      of: ({ values: { name, ...row }, faults }) =>
        name === undefined || faults.length > 0 ? undefined : `${periodOfRow(rowOf(row))} ${name}`,
    },
    begin: async (tx, run) => {
      const sayings = await StagedKeys.create(tx, 'sayings');
      return { take: (rows) => takeRows(tx, run, rows, { sayings, context }) };
    },
  };
  return importFile(await context.db(), options, plan, context.progress);
}

async function takeRows(
  tx: Transaction<Schema>,
  run: ImportRun<Parsers>,
  rows: readonly Row[],
  { sayings, context }: { sayings: StagedKeys; context: Context },
): Promise<undefined> {
  await refuseContradictions(rows, sayings);
  const names = new Set(rows.flatMap(({ values }) => values.name ?? []));
  const found = await findProducts(tx, [...names]);
  const stored = new Map(found.map((product) => [product.name, product]));
  const after = new Map<ProductName, Product>(stored);
  for (const row of rows) {
    const { name } = row.values;
    const before = name === undefined ? undefined : after.get(name);
    const wanted =
      name === undefined || row.faults.length > 0
        ? undefined
        : row.attempt(() => changeProduct(before ?? null, name, rowOf(row.values)));
    if (name === undefined || wanted === undefined) {
      run.refuse(row);
      continue;
    }
    after.set(name, wanted);
    const period = periodOfRow(rowOf(row.values));
    if (before?.prices.every((price) => price.period !== period) ?? true) run.report.inserted += 1;
    else if (before !== undefined && productDifferences(before, wanted).length > 0) run.report.updated += 1;
    else run.report.unchanged += 1;
  }
  if (!run.writes) return;
  const writes = [...after.values()].flatMap((wanted): ProductWrite[] => {
    const before = stored.get(wanted.name) ?? null;
    return before !== null && productDifferences(before, wanted).length === 0
      ? []
      : [{ stored: before, wanted }];
  });
  await saveProducts(tx, writes, context.now);
}

/** A product has one description and one default: a second row that says something else is refused. */
async function refuseContradictions(rows: readonly Row[], sayings: StagedKeys): Promise<void> {
  const said = rows.flatMap((row) => {
    const { name, description, default: isDefault } = row.values;
    if (name === undefined) return [];
    return [
      ...(description === undefined
        ? []
        : [{ row, column: 'description', key: `d ${name}`, note: description }]),
      ...(isDefault === true ? [{ row, column: 'default', key: `p ${name}`, note: null }] : []),
    ];
  });
  for (const column of ['description', 'default']) {
    const keyed = said.flatMap(({ row, key, note, ...saying }) =>
      saying.column === column ? [{ row, key, note, line: row.line }] : [],
    );
    const firsts = await sayings.add(keyed);
    for (const { row, line, note } of keyed) {
      const first = firsts.get(line);
      if (first === undefined || (note !== null && first.note === note)) continue;
      const product = row.values.name ?? '';
      row.refuse(refuse.CONTRADICTING_ROW({ product, column, firstLine: first.line }), column);
    }
  }
}

function rowOf(values: Row['values']): ProductRow {
  return {
    description: values.description,
    period: values.period,
    oneTime: values.one_time_price,
    recurring: values.recurring_price,
    currency: values.currency,
    isDefault: values.default,
  };
}
