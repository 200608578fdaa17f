import { refuse, type UserError } from './errors.ts';
import { type Line, parseLine, parseName } from './line.ts';
import { type Currency, formatPrice, type Price, parsePrice } from './money.ts';
import { ONCE, PERIODS, parsePeriod, periodName } from './period.ts';

/** The unique name of a product, 1 to 150 characters. */
export type ProductName = Line & { readonly role: 'product' };

/** What a product costs with one recurring period. */
export interface ProductPrice {
  /** Seconds; 0 is `once`. */
  readonly period: number;
  readonly oneTime: Price;
  readonly recurring: Price;
  readonly currency: Currency;
  /** Whether an order that names no period gets this one. */
  readonly isDefault: boolean;
}

/** A template for orders: an order copies the values, and later changes of the product leave it as it is. */
export interface Product {
  readonly name: ProductName;
  readonly description: Line;
  readonly prices: readonly ProductPrice[];
}

/** One price as `--price` gives it, before it has a currency. */
export type PriceOption = Pick<ProductPrice, 'period' | 'oneTime' | 'recurring'>;

const LONGEST_NAME = 150;
const LONGEST_DESCRIPTION = 2000;
const PRICE_OPTION = /^([^=]+)=([^+]+)\+(.+)$/;

/**
 * Reads the name of a product.
 * @throws INVALID_TEXT
 */
export function parseProductName(text: string): ProductName {
  return parseName('name', text, LONGEST_NAME) as ProductName;
}

/**
 * Reads the description of a product or an order, of at most 2000 characters.
 * @throws INVALID_TEXT
 */
export function parseProductDescription(text: string): Line {
  return parseLine('description', text, LONGEST_DESCRIPTION);
}

/**
 * Reads `PERIOD=ONE_TIME+RECURRING`: `30d=1+10` is 1 at the start and 10 for each 30 days.
 * @throws INVALID_PRICE_OPTION, INVALID_PERIOD, INVALID_PRICE, NEGATIVE_PRICE
 */
export function parsePriceOption(text: string): PriceOption {
  const match = PRICE_OPTION.exec(text);
  if (match === null) throw refuse.INVALID_PRICE_OPTION({ text });
  const [, period = '', oneTime = '', recurring = ''] = match;
  return {
    period: parsePeriod(period),
    oneTime: parsePrice(oneTime, { negative: true }),
    recurring: parsePrice(recurring),
  };
}

/**
 * The price of a product that is sold with one period; empty when no price is named. The period is 30 days, or
 * `once` when nothing recurs.
 */
export function singlePrice(
  period: number | undefined,
  oneTime: Price | undefined,
  recurring: Price | undefined,
): PriceOption[] {
  if (oneTime === undefined && recurring === undefined) return [];
  const priced = { period: periodOfRow({ period, oneTime, recurring }), oneTime: oneTime ?? 0n };
  return [{ ...priced, recurring: recurring ?? 0n }];
}

/**
 * The prices of a product in one currency; the first one is the default.
 * @throws INVALID_PRODUCT_PRICES when there is none, a period has two, or what is charged once recurs
 */
export function priceSet(options: readonly PriceOption[], currency: Currency): ProductPrice[] {
  if (options.length === 0) throw withoutPrice();
  const periods = new Set<number>();
  for (const option of options) {
    const { period } = option;
    if (periods.has(period)) {
      throw refuse.INVALID_PRODUCT_PRICES({ fault: `The period ${periodName(period)} has two prices` });
    }
    periods.add(period);
    checkPrice(option);
  }
  return options.map((option, index) => ({ ...option, currency, isDefault: index === 0 }));
}

/** What a row of a file says about a product and one of its prices; what is undefined stays as it is. */
export interface ProductRow {
  readonly description?: Line | undefined;
  readonly period?: number | undefined;
  readonly oneTime?: Price | undefined;
  readonly recurring?: Price | undefined;
  readonly currency?: Currency | undefined;
  /** Whether this price is the default from now on. */
  readonly isDefault?: boolean | undefined;
}

/** The period of a row: what it says, else once when nothing recurs, else 30 days. */
export function periodOfRow({ period, oneTime, recurring }: ProductRow): number {
  return period ?? (recurring === undefined && oneTime !== undefined ? ONCE : PERIODS['30d']);
}

/**
 * The product after a row. Its first price is the default until a row says that another one is.
 * @param product null: there is none yet
 * @throws INVALID_PRODUCT_PRICES when a new price has no amount, or what is charged once recurs
 */
export function changeProduct(product: Product | null, name: ProductName, row: ProductRow): Product {
  const { description = product?.description ?? parseProductDescription(''), oneTime, recurring } = row;
  const period = periodOfRow(row);
  const before = product?.prices.find((price) => price.period === period);
  if (before === undefined && oneTime === undefined && recurring === undefined) {
    throw withoutPrice();
  }
  const isDefault = row.isDefault === true || (before?.isDefault ?? (product?.prices.length ?? 0) === 0);
  const after: ProductPrice = {
    period,
    oneTime: oneTime ?? before?.oneTime ?? 0n,
    recurring: recurring ?? before?.recurring ?? 0n,
    currency: row.currency ?? before?.currency ?? 'CHF',
    isDefault,
  };
  checkPrice(after);
  const others = (product?.prices ?? []).map((price) =>
    isDefault && price.period !== period ? { ...price, isDefault: false } : price,
  );
  const prices =
    before === undefined
      ? [...others, after]
      : others.map((price) => (price.period === period ? after : price));
  return { name, description, prices };
}

/** In what a product differs from another one of the same name, in words; empty when in nothing. */
export function productDifferences(stored: Product, wanted: Product): string[] {
  const differences: string[] = [];
  if (stored.description !== wanted.description) differences.push('the description');
  const periods = new Set([...stored.prices, ...wanted.prices].map(({ period }) => period));
  for (const period of periods) {
    const [before, after] = [stored, wanted].map(({ prices }) => describePrice(prices, period));
    if (before !== after)
      differences.push(`the price for ${periodName(period)} (stored: ${before}; asked for: ${after})`);
  }
  return differences;
}

function checkPrice({ period, recurring }: PriceOption): void {
  if (period !== ONCE || recurring === 0n) return;
  throw refuse.INVALID_PRODUCT_PRICES({ fault: 'A price with the period once cannot recur' });
}

function withoutPrice(): UserError {
  return refuse.INVALID_PRODUCT_PRICES({ fault: 'A product needs a price' });
}

function describePrice(prices: readonly ProductPrice[], period: number): string {
  const price = prices.find((candidate) => candidate.period === period);
  if (price === undefined) return 'none';
  const { oneTime, recurring, currency, isDefault } = price;
  return `${formatPrice(oneTime)}+${formatPrice(recurring)} ${currency}${isDefault ? ' by default' : ''}`;
}
