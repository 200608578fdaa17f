import { quote, refuse, type UserError } from './errors.ts';
import type { Instant } from './instant.ts';
import type { Currency, Price } from './money.ts';
import { faultsOfNewOrder, LARGEST_QUANTITY, type NewOrder, type Order, type Replacement } from './order.ts';
import { ONCE, periodName } from './period.ts';
import type { Product, ProductPrice } from './product.ts';

/** What a person says about an order to be placed; what is undefined comes from the product or has a default. */
export interface OrderRequest {
  /** Seconds; 0 is `once`. */
  readonly period?: number | undefined;
  readonly recurringPrice?: Price | undefined;
  readonly oneTimePrice?: Price | undefined;
  readonly currency?: Currency | undefined;
  readonly quantity?: number | undefined;
  readonly commitmentPeriods?: number | undefined;
  readonly charge?: Order['charge'] | undefined;
  readonly description?: string | undefined;
  readonly startsAt?: Instant | undefined;
  readonly endsAt?: Instant | undefined;
  readonly notForBilling?: boolean | undefined;
}

/** What a person says about an order that replaces another one. */
export type SuccessorRequest = Omit<OrderRequest, 'startsAt' | 'endsAt' | 'notForBilling'>;

/** What stands in the place of a field of `OrderRequest` that is undefined, for fields that no product gives. */
interface Defaults {
  readonly startsAt: Instant;
  readonly replaces: number | null;
}

/**
 * Reads a quantity or a number of periods, from 1 up to what a 32-bit column holds.
 * @throws INVALID_ORDER naming the field
 */
export function parseCount(field: string, text: string): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > LARGEST_QUANTITY) {
    const fault = `is ${quote(text)}, and must be a whole number from 1 to ${LARGEST_QUANTITY}`;
    throw refuse.INVALID_ORDER({ field, fault });
  }
  return count;
}

/**
 * Reads when a period is charged.
 * @throws INVALID_ORDER
 */
export function parseCharge(text: string): Order['charge'] {
  if (text === 'advance' || text === 'arrears') return text;
  throw refuse.INVALID_ORDER({ field: 'charge', fault: 'is neither `advance` nor `arrears`' });
}

/**
 * Makes an order of a request. A product gives price, period, currency and, with its name, the description; what the
 * request says is stronger, and a request that says them all may have a period that the product has no price for.
 * @throws INCOMPLETE_ORDER, UNKNOWN_PRODUCT_PRICE, and the first of the faults that `draftOrder` finds
 */
export function placeOrder(request: OrderRequest, product: Product | null, defaults: Defaults): NewOrder {
  const { order, faults } = draftOrder(request, product, defaults);
  for (const fault of faults) throw fault;
  return order;
}

/**
 * Makes an order as `placeOrder` does, and says all that is wrong with it.
 * @throws INCOMPLETE_ORDER, UNKNOWN_PRODUCT_PRICE, without which there is no order at all
 */
export function draftOrder(
  request: OrderRequest,
  product: Product | null,
  defaults: Defaults,
): { order: NewOrder; faults: readonly UserError[] } {
  const price = product === null || isPriced(request) ? ownPrice(request) : priceFor(product, request.period);
  const order: NewOrder = {
    ...pricedTerms(request, price),
    quantity: request.quantity ?? 1,
    commitmentPeriods: request.commitmentPeriods ?? 1,
    charge: request.charge ?? 'advance',
    description: request.description || product?.name || '',
    startsAt: request.startsAt ?? defaults.startsAt,
    endsAt: request.endsAt ?? null,
    notForBilling: request.notForBilling ?? false,
    replaces: defaults.replaces,
  };
  return { order, faults: [...faultsOfCurrency(order.currency, request, price), ...faultsOfNewOrder(order)] };
}

/**
 * Makes the order that replaces `old`; when it starts is decided by `decideReplacement`. What the request does not
 * say is inherited: quantity, charge, commitment and `notForBilling`; price, period and currency unless a product is
 * named. A new period needs a new price, which may be that of the old product. The one-time price is not inherited,
 * because it was charged already: it is 0 unless it is asked for or comes with another product. The end is not
 * inherited either.
 * @throws INCOMPLETE_ORDER, UNKNOWN_PRODUCT_PRICE; INVALID_ORDER when amounts of a product would change their currency
 */
export function succeedOrder(
  old: Order,
  request: SuccessorRequest,
  { product, oldProduct }: { product: Product | null; oldProduct: Product | null },
): NewOrder {
  const isOtherProduct = product !== null && product.name !== oldProduct?.name;
  const price = successorPrice(old, request, { product, oldProduct });
  const terms = pricedTerms(request, price);
  // Another currency than that of the old order is refused whatever the amounts are.
  if (terms.currency === old.currency) {
    for (const fault of faultsOfCurrency(terms.currency, request, price)) throw fault;
  }
  return {
    ...terms,
    quantity: request.quantity ?? old.quantity,
    commitmentPeriods: request.commitmentPeriods ?? old.commitmentPeriods,
    charge: request.charge ?? old.charge,
    description: request.description || (isOtherProduct ? product.name : old.description),
    startsAt: old.startsAt,
    endsAt: null,
    notForBilling: old.notForBilling,
    replaces: old.id,
  };
}

/**
 * Checks that a replacement changes anything. Besides the terms of the order these are its product and what is asked
 * for once: the one-time price of the old order was charged already, unless that order never starts.
 * @throws ORDER_UNCHANGED
 */
export function checkChanged(
  old: Order & { readonly product: string | null },
  successor: NewOrder & { readonly product: string | null },
  { kind, oneTimePrice }: { kind: Replacement['kind']; oneTimePrice: Price | undefined },
): void {
  const charged = kind === 'before-start' ? old.oneTimePrice : 0n;
  const isSame =
    successor.product === old.product &&
    successor.description === old.description &&
    successor.quantity === old.quantity &&
    successor.recurringPrice === old.recurringPrice &&
    successor.recurringPeriodSeconds === old.recurringPeriodSeconds &&
    successor.commitmentPeriods === old.commitmentPeriods &&
    successor.charge === old.charge &&
    (oneTimePrice ?? charged) === charged;
  if (isSame) throw refuse.ORDER_UNCHANGED({ order: old.id });
}

/** What an order is told apart by when its reference is given a second time. */
export interface PlacedOrder extends Omit<NewOrder, 'replaces'> {
  readonly username: string;
  readonly product: string | null;
  /** The reference of the replaced order, or its id in digits if it has none. */
  readonly predecessor: string | null;
}

/**
 * The fields, as files and documents spell them, in which a stored order differs from one that is asked for under the
 * same reference. What may have changed since counts only if the request says something about it.
 * @param wanted placed with the stored start as the default one
 */
export function differingFields(stored: PlacedOrder, wanted: PlacedOrder, request: OrderRequest): string[] {
  const differs: Record<string, boolean> = {
    username: stored.username !== wanted.username,
    product: stored.product !== wanted.product,
    quantity: stored.quantity !== wanted.quantity,
    starts_at: stored.startsAt !== wanted.startsAt,
    ends_at: request.endsAt !== undefined && stored.endsAt !== wanted.endsAt,
    period: stored.recurringPeriodSeconds !== wanted.recurringPeriodSeconds,
    recurring_price: stored.recurringPrice !== wanted.recurringPrice,
    one_time_price: stored.oneTimePrice !== wanted.oneTimePrice,
    currency: stored.currency !== wanted.currency,
    commitment_periods: stored.commitmentPeriods !== wanted.commitmentPeriods,
    charge: stored.charge !== wanted.charge,
    description: stored.description !== wanted.description,
    replaces: stored.predecessor !== wanted.predecessor,
    not_for_billing: request.notForBilling !== undefined && stored.notForBilling !== wanted.notForBilling,
  };
  return Object.keys(differs).filter((field) => differs[field]);
}

/** A price with its period, in a currency that is checked with the order. */
type PeriodPrice = Omit<ProductPrice, 'currency' | 'isDefault'> & { readonly currency: string };

function pricedTerms(request: OrderRequest, price: PeriodPrice) {
  const period = request.period ?? price.period;
  return {
    recurringPeriodSeconds: period === ONCE ? null : period,
    recurringPrice: request.recurringPrice ?? price.recurring,
    oneTimePrice: request.oneTimePrice ?? price.oneTime,
    currency: request.currency ?? price.currency,
  };
}

/** Whether nothing is left for the price of a product to say. */
function isPriced({ period, recurringPrice, oneTimePrice, currency }: OrderRequest): boolean {
  return [period, recurringPrice, oneTimePrice, currency].every((said) => said !== undefined);
}

/** The price of an order that takes none from a product. */
function ownPrice({ period, recurringPrice, oneTimePrice, currency }: OrderRequest): PeriodPrice {
  if (recurringPrice === undefined && oneTimePrice === undefined) {
    throw refuse.INCOMPLETE_ORDER({ field: 'recurring_price', missing: 'a recurring or a one-time price' });
  }
  if (currency === undefined) throw refuse.INCOMPLETE_ORDER({ field: 'currency', missing: 'a currency' });
  if (period === undefined && recurringPrice !== undefined && recurringPrice !== 0n) {
    throw refuse.INCOMPLETE_ORDER({ field: 'period', missing: 'a period for its recurring price' });
  }
  return { period: period ?? ONCE, recurring: recurringPrice ?? 0n, oneTime: oneTimePrice ?? 0n, currency };
}

function successorPrice(
  old: Order,
  request: SuccessorRequest,
  { product, oldProduct }: { product: Product | null; oldProduct: Product | null },
): PeriodPrice {
  const oldPeriod = old.recurringPeriodSeconds ?? ONCE;
  const period = request.period ?? oldPeriod;
  if (product === null && (period === oldPeriod || request.recurringPrice !== undefined)) {
    return { period, oneTime: 0n, recurring: old.recurringPrice, currency: old.currency };
  }
  const template = product ?? oldProduct;
  if (template === null) {
    throw refuse.INCOMPLETE_ORDER({
      field: 'recurring_price',
      missing: 'a recurring price for its new period',
    });
  }
  const hasOldPeriod = template.prices.some((price) => price.period === oldPeriod);
  const price = priceFor(template, request.period ?? (hasOldPeriod ? oldPeriod : undefined));
  return template.name === oldProduct?.name ? { ...price, oneTime: 0n } : price;
}

function priceFor({ name, prices }: Product, period: number | undefined): ProductPrice {
  const matches = prices.filter((price) =>
    period === undefined ? price.isDefault : price.period === period,
  );
  const [price = prices.length === 1 && period === undefined ? prices[0] : undefined] = matches;
  if (price !== undefined) return price;
  const facts = { product: name, period: period === undefined ? null : periodName(period) };
  throw refuse.UNKNOWN_PRODUCT_PRICE({ ...facts, periods: prices.map((known) => periodName(known.period)) });
}

/** What is wrong with an order in another currency than the price whose amounts it takes. */
function faultsOfCurrency(
  currency: string,
  { recurringPrice, oneTimePrice }: OrderRequest,
  price: PeriodPrice,
): UserError[] {
  const keepsAmount =
    (recurringPrice === undefined && price.recurring !== 0n) ||
    (oneTimePrice === undefined && price.oneTime !== 0n);
  if (currency === price.currency || !keepsAmount) return [];
  const fault = `is ${currency}, and the product's price is in ${price.currency}: give both prices too`;
  return [refuse.INVALID_ORDER({ field: 'currency', fault })];
}
