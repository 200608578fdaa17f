import { type Country, isInUnion, membershipOf, parseCountry, vatCountry } from './country.ts';
import { refuse, UserError } from './errors.ts';
import { type Day, dayOf, type Instant, instant, startOfDay } from './instant.ts';
import { divideRoundHalfUp, formatDecimal, type Minor } from './money.ts';

/** A rate as a fraction in ten-thousandths: 810 is 0.081, which people write 8.1 %. From 0 up to 9,999. */
export type VatRate = number & { readonly unit: 'ten-thousandths' };

/** A country, or a part of one with a rate of its own: `AT`, `AT-6691`, `GB-BFPO 57`. */
export type Territory = string & { readonly kind: 'VAT territory' };

/** How a supply is taxed; the words that are stored, printed and exported. */
export type VatTreatment = 'domestic' | 'destination' | 'reverse_charge' | 'outside';

/** One row of the rate table. `validTo` is exclusive; null means that the rate is in force. */
export interface VatRateRow {
  readonly territory: Territory;
  readonly rate: VatRate;
  readonly validFrom: Day;
  readonly validTo: Day | null;
}

/** Who sells, as far as VAT cares. `registeredIn` are the countries with a VAT registration besides the own. */
export interface Seller {
  readonly country: Country;
  /** Takes part in the One Stop Shop of the Union (Directive 2006/112/EC Art. 358–369). */
  readonly oss: boolean;
  readonly registeredIn: readonly Country[];
}

/** Who buys, as far as VAT cares. */
export interface Buyer {
  readonly country: Country | null;
  readonly postalCode: string | null;
  /** A VAT number is known and was found valid. */
  readonly vatIdValid: boolean;
  /** The rate territory, when staff set it by hand. */
  readonly vatTerritory: Territory | null;
}

/** What is decided about the VAT of one record, and frozen on it. */
export interface VatTerms {
  readonly treatment: VatTreatment;
  readonly territory: Territory;
  readonly rate: VatRate;
  /** One sentence for the auditor. */
  readonly reason: string;
}

/** A stretch of time with the same terms. The ends of the first and last one are infinite. */
export interface VatSpan {
  readonly start: number;
  readonly end: number;
  readonly terms: VatTerms;
}

/** The terms for one seller and one buyer at every instant. */
export interface VatTimeline {
  /** @throws MISSING_COUNTRY, MISSING_VAT_RATE, SELLER_NOT_REGISTERED when there are no terms at that instant */
  spanAt(at: Instant): VatSpan;
}

const RATE = /^(0(?:\.(\d{1,4}))?|\.(\d{1,4}))$/;
const TERRITORY = /^([A-Z]{2})(-[A-Z0-9](?:[A-Z0-9 ]{0,13}[A-Z0-9])?)?$/;
const RATE_SCALE = 10_000n;
const NO_RATE = 0 as VatRate;

/**
 * Reads a rate: a fraction from 0 up to, and not including, 1 with at most four decimals.
 * A `19` that means percent is refused, and so is 1.
 * @throws INVALID_VAT_RATE
 */
export function parseVatRate(text: string): VatRate {
  const match = RATE.exec(text);
  if (match === null) throw refuse.INVALID_VAT_RATE({ text });
  return Number((match[2] ?? match[3] ?? '').padEnd(4, '0')) as VatRate;
}

/** Writes a rate as a fraction without idle zeros: 810 is `0.081`. */
export function formatVatRate(rate: VatRate): string {
  return formatDecimal(BigInt(rate), 4, 0);
}

/** Writes a rate in percent without idle zeros: 810 is `8.1`. */
export function formatVatPercent(rate: VatRate): string {
  return formatDecimal(BigInt(rate), 2, 0);
}

/** The VAT on a base amount, rounded to the minor unit with ties away from zero. */
export function vatOn(base: Minor, rate: VatRate): Minor {
  return divideRoundHalfUp(base * BigInt(rate), RATE_SCALE);
}

/**
 * ISO 3166-1 reserves these exceptionally; tables use them for Ascension, Clipperton, Ceuta and Melilla, the
 * Canary Islands and Tristan da Cunha.
 */
const RESERVED_CODES: ReadonlySet<string> = new Set(['AC', 'CP', 'EA', 'IC', 'TA']);

/**
 * Reads a territory: a country code, alone or with a postal code or subdivision after a hyphen.
 * The aliases of countries hold here too: `UK-BFPO 57` is `GB-BFPO 57`.
 * @throws INVALID_TERRITORY
 */
export function parseTerritory(text: string): Territory {
  const match = TERRITORY.exec(text);
  if (match === null) throw refuse.INVALID_TERRITORY({ territory: text });
  const [, country = '', part = ''] = match;
  try {
    const code = RESERVED_CODES.has(country) ? country : parseCountry(country);
    return `${code}${part}` as Territory;
  } catch {
    throw refuse.INVALID_TERRITORY({ territory: text });
  }
}

interface RateSpan {
  readonly start: Instant;
  readonly end: number;
  readonly row: VatRateRow;
}

/** The rates of all territories, ready for questions by territory and instant. */
export class VatRateTable {
  readonly #spans: ReadonlyMap<string, RateSpan[]>;

  /** Takes rows in any order. Ranges of one territory must not overlap; the import and the database see to it. */
  constructor(rows: Iterable<VatRateRow>) {
    const all = Array.from(rows, (row): RateSpan => {
      const end = row.validTo === null ? Number.POSITIVE_INFINITY : startOfDay(row.validTo);
      return { start: startOfDay(row.validFrom), end, row };
    });
    this.#spans = Map.groupBy<string, RateSpan>(all, ({ row }) => row.territory);
    for (const spans of this.#spans.values()) spans.sort((a, b) => a.start - b.start);
  }

  /** Whether the table has any rate, current or past, for the territory. */
  has(territory: string): boolean {
    return this.#spans.has(territory);
  }

  /** The row in force in the territory at that instant, or null. */
  rowAt(territory: string, at: Instant): VatRateRow | null {
    return this.#spans.get(territory)?.find(({ start, end }) => start <= at && at < end)?.row ?? null;
  }

  /** The instants at which the rate of the territory may change. */
  changesOf(territory: string): number[] {
    return this.#spans.get(territory)?.flatMap(({ start, end }) => [start, end]) ?? [];
  }
}

/**
 * Decides the VAT of a supply at an instant (Directive 2006/112/EC Art. 44–58 and 196; Swiss MWSTG Art. 8).
 * The day of supply decides the rate, the territory falls back by date, and a missing rate is never 0.
 * @throws MISSING_COUNTRY, MISSING_VAT_RATE, SELLER_NOT_REGISTERED
 */
export function decideVat(seller: Seller, buyer: Buyer, at: Instant, rates: VatRateTable): VatTerms {
  if (buyer.country === null) throw refuse.MISSING_COUNTRY({});
  const home = vatCountry(seller.country);
  const country = vatCountry(buyer.country);
  if (home === country) {
    const together = seller.country === buyer.country ? home : `${seller.country} and ${buyer.country}`;
    return {
      ...rated('domestic', [territoryOf(home)], at, rates),
      reason: `Seller and buyer are both in ${together}: the domestic rate applies.`,
    };
  }
  if (!isInUnion(country, at)) {
    return {
      treatment: 'outside',
      territory: territoryOf(country),
      rate: NO_RATE,
      reason: `The buyer is in ${buyer.country}, outside the VAT territories of ${home} and the European Union: no VAT.`,
    };
  }
  if (buyer.vatIdValid) {
    return {
      treatment: 'reverse_charge',
      territory: territoryOf(country),
      rate: NO_RATE,
      reason: `The buyer in ${country} has a valid VAT number and owes the VAT (Directive 2006/112/EC Art. 44 and 196).`,
    };
  }
  if (isInUnion(home, at) && !seller.oss) {
    return {
      ...rated('domestic', [territoryOf(home)], at, rates),
      reason: `The buyer in ${country} has no valid VAT number and the seller in ${home} does not use the One Stop Shop: the seller's rate applies (Directive 2006/112/EC Art. 59c).`,
    };
  }
  if (!seller.oss && !seller.registeredIn.some((registered) => vatCountry(registered) === country)) {
    throw refuse.SELLER_NOT_REGISTERED({ country });
  }
  return {
    ...rated('destination', territoriesOf(buyer, country), at, rates),
    reason: `The buyer in ${country} has no valid VAT number: the rate of the buyer's place applies (Directive 2006/112/EC Art. 58).`,
  };
}

/** The VAT decisions of one seller on one rate table. Timelines are kept, one for each kind of buyer. */
export class VatRules {
  readonly #seller: Seller;
  readonly #rates: VatRateTable;
  readonly #timelines = new Map<string, VatTimeline>();

  constructor(seller: Seller, rates: VatRateTable) {
    this.#seller = seller;
    this.#rates = rates;
  }

  /** The terms of a buyer over all time. Faults come out only when a faulty instant is asked for. */
  timelineFor(buyer: Buyer): VatTimeline {
    const place = placeOf(buyer);
    const special = place !== null && this.#rates.has(place) ? place : '';
    const key = `${buyer.country}|${buyer.vatTerritory}|${special}|${buyer.vatIdValid}`;
    const known = this.#timelines.get(key);
    if (known !== undefined) return known;
    const timeline = this.#build(buyer);
    this.#timelines.set(key, timeline);
    return timeline;
  }

  #build(buyer: Buyer): VatTimeline {
    const decide = (at: Instant) => decideVat(this.#seller, buyer, at, this.#rates);
    const changes = this.#changes(buyer);
    const spans: VatSpan[] = [];
    for (const [index, start] of [Number.NEGATIVE_INFINITY, ...changes].entries()) {
      const end = changes[index] ?? Number.POSITIVE_INFINITY;
      const terms = orNull(() => decide(instant(Number.isFinite(start) ? start : (changes[0] ?? 0) - 1)));
      if (terms === null) continue;
      const before = spans.at(-1);
      if (before !== undefined && before.end === start && sameTerms(before.terms, terms)) {
        spans[spans.length - 1] = { ...before, end };
      } else {
        spans.push({ start, end, terms });
      }
    }
    return {
      spanAt(at) {
        // Newest first: nearly every question is about today.
        const span = spans.findLast(({ start }) => start <= at);
        return span !== undefined && at < span.end ? span : { start: at, end: at + 1, terms: decide(at) };
      },
    };
  }

  /** The instants at which anything that the decision reads may change, ascending. */
  #changes(buyer: Buyer): number[] {
    if (buyer.country === null) return [];
    const home = vatCountry(this.#seller.country);
    const country = vatCountry(buyer.country);
    const memberships = [membershipOf(home), membershipOf(country)].flatMap((membership) =>
      membership === null ? [] : [membership.from, membership.to ?? Number.POSITIVE_INFINITY],
    );
    const rates = [territoryOf(home), ...territoriesOf(buyer, country)].flatMap((territory) =>
      this.#rates.changesOf(territory),
    );
    return [...new Set([...memberships, ...rates])].filter(Number.isFinite).sort((a, b) => a - b);
  }
}

function rated(
  treatment: VatTreatment,
  territories: readonly Territory[],
  at: Instant,
  rates: VatRateTable,
): { treatment: VatTreatment; territory: Territory; rate: VatRate } {
  for (const territory of territories) {
    const row = rates.rowAt(territory, at);
    if (row !== null) return { treatment, territory, rate: row.rate };
  }
  throw refuse.MISSING_VAT_RATE({ territory: territories.at(-1) ?? '', day: dayOf(at) });
}

/** Where to look for the rate of a buyer's place: what staff set, the postal code, the country. */
function territoriesOf(buyer: Buyer, country: Country): Territory[] {
  const special = [buyer.vatTerritory, placeOf(buyer)].filter((territory) => territory !== null);
  return [...special, territoryOf(country)];
}

function placeOf({ country, postalCode }: Buyer): Territory | null {
  if (country === null || postalCode === null) return null;
  return `${vatCountry(country)}-${postalCode.trim().toUpperCase()}` as Territory;
}

function territoryOf(country: Country): Territory {
  return country as string as Territory;
}

function orNull(decide: () => VatTerms): VatTerms | null {
  try {
    return decide();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function sameTerms(a: VatTerms, b: VatTerms): boolean {
  return (
    a.treatment === b.treatment && a.territory === b.territory && a.rate === b.rate && a.reason === b.reason
  );
}
