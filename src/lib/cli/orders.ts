import { Flags } from '@oclif/core';
import { formatInstant, type Instant, lastSecondBefore } from '../core/instant.ts';
import { CURRENCY_DECIMALS, type Currency, formatPrice, isCurrency, type Price } from '../core/money.ts';
import { type OrderRequest, parseCount } from '../core/new-order.ts';
import { ONCE, periodName } from '../core/period.ts';
import { parseProductName } from '../core/product.ts';
import { parseOrderKey } from '../core/reference.ts';
import type { ShownOrder } from '../ops/orders.ts';
import { currency, description, parsed, parsedArg, period, price, reference, signedPrice } from './flags.ts';
import { counted } from './sentence.ts';
import { type Cell, renderTable, right, toDay } from './table.ts';

/** The argument that names one order. */
export const orderArg = parsedArg(
  'Id of the order, or ref:X for the reference X; one that is not all digits may stand alone',
  parseOrderKey,
);

/** The name of a product. */
export const product = parsed('NAME', parseProductName);

/** The flags for what is ordered: those of `order create` and `order replace`. */
export const termFlags = {
  product: product({ summary: 'Product whose price is copied' }),
  period: period({ summary: '365d, 30d, week, day, hour, minute, second, once, or seconds' }),
  quantity: count('quantity', 'How many units'),
  'recurring-price': price({ summary: 'Price of a unit for each period' }),
  'one-time-price': signedPrice({ summary: 'Price of a unit at the start; negative for an adjustment' }),
  currency: currency({ summary: 'Currency of both prices' }),
  'commitment-periods': count('commitment', 'Periods that are due even when the order is cancelled before'),
  charge: Flags.option({
    options: ['advance', 'arrears'] as const,
    summary: 'Charge a period when it starts, or when it is over',
  })(),
  description: description({ summary: 'What bills call it' }),
  reference: reference({ summary: 'Unique name by which the order is found again' }),
};

interface TermValues {
  readonly period?: number | undefined;
  readonly quantity?: number | undefined;
  readonly 'recurring-price'?: Price | undefined;
  readonly 'one-time-price'?: Price | undefined;
  readonly currency?: Currency | undefined;
  readonly 'commitment-periods'?: number | undefined;
  readonly charge?: OrderRequest['charge'];
  readonly description?: string | undefined;
}

/** The terms that the flags ask for. */
export function termsFromFlags(flags: TermValues) {
  const { period, quantity, currency, charge, description } = flags;
  return {
    period,
    quantity,
    currency,
    charge,
    description,
    recurringPrice: flags['recurring-price'],
    oneTimePrice: flags['one-time-price'],
    commitmentPeriods: flags['commitment-periods'],
  } satisfies OrderRequest;
}

function count(field: string, summary: string) {
  return parsed('N', (text) => parseCount(field, text))({ summary });
}

/** An order as `--json` gives it; the end is exclusive, and the one that follows from replacement if it has no own. */
export function orderDocument(order: ShownOrder) {
  const seconds = order.recurringPeriodSeconds;
  return {
    id: order.id,
    username: order.username,
    product: order.product,
    description: order.description,
    quantity: order.quantity,
    starts_at: formatInstant(order.startsAt),
    ends_at: formatEnd(order.end),
    period: periodName(seconds ?? ONCE),
    period_seconds: seconds,
    recurring_price: amount(order.recurringPrice, order.currency),
    one_time_price: amount(order.oneTimePrice, order.currency),
    currency: order.currency,
    commitment_periods: order.commitmentPeriods,
    charge: order.charge,
    service_ends_at: formatEnd(order.serviceEndsAt),
    not_for_billing: order.notForBilling,
    replaces: order.replaces,
    replaced_by: order.replacedBy,
    reference: order.reference,
    created_at: formatInstant(order.createdAt),
  };
}

/** An order as a reader sees it. */
export function orderFields(order: ShownOrder): Record<string, Cell> {
  const { currency, replaces, replacedBy } = order;
  return {
    Id: order.id,
    Reference: order.reference,
    User: order.username,
    Product: order.product,
    Description: order.description || null,
    Quantity: order.quantity,
    'One-time price': `${amount(order.oneTimePrice, currency)} ${currency}`,
    'Recurring price': `${amount(order.recurringPrice, currency)} ${currency}`,
    Period: periodName(order.recurringPeriodSeconds ?? ONCE),
    Charge: order.charge,
    Commitment: counted(order.commitmentPeriods, 'period'),
    Starts: formatInstant(order.startsAt),
    Ends: endCell(order),
    'Service ends': formatEnd(order.serviceEndsAt),
    'For billing': order.notForBilling ? 'no' : 'yes',
    Replaces: replaces,
    'Replaced by': replacedBy.join(', ') || null,
  };
}

/** Orders as a table. */
export function orderTable(orders: readonly ShownOrder[]): string {
  const rows = orders.map((order) => [
    order.id,
    order.reference,
    order.username,
    order.product ?? order.description,
    order.quantity,
    priceCell(order),
    formatInstant(order.startsAt),
    formatEnd(order.end),
  ]);
  return renderTable(COLUMNS, rows);
}

const COLUMNS = [
  right('id'),
  { title: 'reference', yields: true, spare: 1 },
  { title: 'user' },
  { title: 'product', yields: true, spare: 2 },
  right('qty'),
  right('price'),
  { title: 'starts', shorten: toDay },
  { title: 'ends', shorten: toDay },
];

/** The price of a unit in one cell: `5.00+20.00 CHF/30d` is 5 at the start and 20 for each 30 days. */
function priceCell({ oneTimePrice, recurringPrice, recurringPeriodSeconds, currency }: ShownOrder): string {
  if (recurringPeriodSeconds === null) return `${amount(oneTimePrice, currency)} ${currency} once`;
  const start = oneTimePrice === 0n ? '' : `${amount(oneTimePrice, currency)}+`;
  return `${start}${amount(recurringPrice, currency)} ${currency}/${periodName(recurringPeriodSeconds)}`;
}

/** The end as people count it: the order runs up to and with the second before. */
function endCell({ startsAt, end }: ShownOrder): string | null {
  if (end === null) return null;
  const note = end <= startsAt ? 'it never runs' : `last second ${formatInstant(lastSecondBefore(end))}`;
  return `${formatInstant(end)} (${note})`;
}

function formatEnd(end: Instant | null): string | null {
  return end === null ? null : formatInstant(end);
}

function amount(value: Price, currency: string): string {
  return formatPrice(value, isCurrency(currency) ? CURRENCY_DECIMALS[currency] : undefined);
}
