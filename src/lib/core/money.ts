import { refuse } from './errors.ts';

/** A whole number of the currency's smallest unit: 1000n is 10.00 CHF. May be negative. */
export type Minor = bigint;

/** A price in ten-thousandths of the currency unit: 125n is 0.0125. */
export type Price = bigint;

/** An ISO 4217 code that we know the decimals of. */
export type Currency = keyof typeof CURRENCY_DECIMALS;

/** Decimals of each currency that may be billed (ISO 4217, list one). */
export const CURRENCY_DECIMALS = {
  AUD: 2,
  BGN: 2,
  CAD: 2,
  CHF: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  HUF: 2,
  ISK: 0,
  JPY: 0,
  NOK: 2,
  PLN: 2,
  RON: 2,
  SEK: 2,
  USD: 2,
} as const satisfies Record<string, number>;

const PRICE_DECIMALS = 4;

/** The smallest unit of each currency as a price: 100n, which is 0.0100, with two decimals. */
export const MINOR_UNITS = Object.fromEntries(
  Object.entries(CURRENCY_DECIMALS).map(([currency, decimals]) => [
    currency,
    10n ** BigInt(PRICE_DECIMALS - decimals),
  ]),
) as Readonly<Record<Currency, Price>>;

const PRICE = /^(-?)(\d{1,9})(?:\.(\d{1,4}))?$/;

/** The largest price × quantity of an order, in ten-thousandths: one hundred billion units. */
export const LARGEST_CHARGE = 1_000_000_000_000_000n;

/** The largest amount on a bill, in minor units: what every database and every reader of JSON holds exactly. */
export const LARGEST_AMOUNT: Minor = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Reads a currency code, upper case.
 * @throws UNKNOWN_CURRENCY
 */
export function parseCurrency(text: string): Currency {
  if (!isCurrency(text)) throw refuse.UNKNOWN_CURRENCY({ currency: text });
  return text;
}

/** Whether a stored code is a currency that we can bill in. */
export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(CURRENCY_DECIMALS, text);
}

/**
 * Reads a price of at most nine digits before and four after the point.
 * `10`, `10.5` and `10.50` are prices; exponents, commas, a plus sign and blanks are refused.
 * @throws INVALID_PRICE; negative prices are refused unless `negative` is allowed
 */
export function parsePrice(text: string, { negative = false }: { negative?: boolean } = {}): Price {
  const match = PRICE.exec(text);
  if (match === null) throw refuse.INVALID_PRICE({ text });
  const [, sign, whole = '0', fraction = ''] = match;
  const price = BigInt(whole + fraction.padEnd(PRICE_DECIMALS, '0'));
  if (sign === '-' && price !== 0n && !negative) throw refuse.NEGATIVE_PRICE({ text });
  return sign === '-' ? -price : price;
}

/** Writes a price with as many decimals as it needs, and at least `decimals` (two for most currencies). */
export function formatPrice(price: Price, decimals = 2): string {
  return formatDecimal(price, PRICE_DECIMALS, decimals);
}

/** Writes a number that counts parts of 10^-scale with as many decimals as it needs, and at least `least`. */
export function formatDecimal(value: bigint, scale: number, least: number): string {
  return formatScaled(value, scale)
    .replace(new RegExp(`0{0,${scale - least}}$`), '')
    .replace(/\.$/, '');
}

/** Writes an amount as a decimal with all decimals of its currency: 1000n CHF is `10.00`. */
export function formatMinor(amount: Minor, currency: Currency): string {
  return formatScaled(amount, CURRENCY_DECIMALS[currency]);
}

/**
 * An amount of money in the smallest unit of its currency.
 * @throws INVALID_AMOUNT when it has more decimals than the currency
 */
export function minorOf(price: Price, currency: Currency): Minor {
  const unit = MINOR_UNITS[currency];
  if (price % unit !== 0n) {
    throw refuse.INVALID_AMOUNT({
      amount: formatPrice(price),
      currency,
      decimals: CURRENCY_DECIMALS[currency],
    });
  }
  return price / unit;
}

/**
 * numerator ÷ denominator rounded to the nearest whole number; ties go away from zero on both sides.
 * @throws RangeError when the denominator is not positive
 */
export function divideRoundHalfUp(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new RangeError(`denominator ${denominator} is not positive`);
  const rounded = (2n * magnitude(numerator) + denominator) / (2n * denominator);
  return numerator < 0n ? -rounded : rounded;
}

/** A number without its sign. */
export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function formatScaled(value: bigint, decimals: number): string {
  const digits = magnitude(value)
    .toString()
    .padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals === 0 ? '' : `.${digits.slice(-decimals)}`;
  return `${value < 0n ? '-' : ''}${whole}${fraction}`;
}
