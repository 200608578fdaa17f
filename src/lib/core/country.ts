import { refuse } from './errors.ts';
import { type Day, type Instant, startOfDay } from './instant.ts';

/** An assigned ISO 3166-1 alpha-2 code. */
export type Country = string & { readonly standard: 'ISO 3166-1 alpha-2' };

const COUNTRIES: ReadonlySet<string> = new Set(
  `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
   BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
   FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
   IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
   ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
   PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
   TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`.split(
    /\s+/,
  ),
);

/** Codes in daily use that ISO 3166-1 spells otherwise: EL in VAT numbers of Greece, UK for Great Britain. */
const ALIASES = new Map([
  ['EL', 'GR'],
  ['UK', 'GB'],
]);

/**
 * Places that share the VAT territory of a neighbour: Liechtenstein that of Switzerland (treaty of
 * 28 October 1994), Monaco that of France (Directive 2006/112/EC Art. 7).
 */
const VAT_COUNTRY = new Map([
  ['LI', 'CH'],
  ['MC', 'FR'],
]);

/** The time in which a country's supplies follow the VAT law of the European Union; `to` is exclusive. */
export interface Membership {
  readonly from: Instant;
  readonly to: Instant | null;
}

const ACCESSIONS = {
  '1958-01-01': 'BE DE FR IT LU NL',
  '1973-01-01': 'DK GB IE',
  '1981-01-01': 'GR',
  '1986-01-01': 'ES PT',
  '1995-01-01': 'AT FI SE',
  '2004-05-01': 'CY CZ EE HU LT LV MT PL SI SK',
  '2007-01-01': 'BG RO',
  '2013-07-01': 'HR',
};

/** The United Kingdom left on 2020-01-31, but Union VAT law applied until its transition period was over. */
const LEFT_UNION_VAT = new Map([['GB', startOfDay('2021-01-01' as Day)]]);

const MEMBERSHIPS: ReadonlyMap<string, Membership> = new Map(
  Object.entries(ACCESSIONS).flatMap(([day, countries]) =>
    countries
      .split(' ')
      .map((code) => [code, { from: startOfDay(day as Day), to: LEFT_UNION_VAT.get(code) ?? null }]),
  ),
);

/**
 * Reads a country code in either case; EL becomes GR and UK becomes GB.
 * @throws UNKNOWN_COUNTRY
 */
export function parseCountry(text: string): Country {
  const code = text.toUpperCase();
  const country = ALIASES.get(code) ?? code;
  if (!COUNTRIES.has(country)) throw refuse.UNKNOWN_COUNTRY({ country: text });
  return country as Country;
}

/** Whether a code is one that ISO 3166-1 has assigned. */
export function isCountry(code: string): code is Country {
  return COUNTRIES.has(code);
}

/** The country whose VAT law applies: LI counts as CH and MC as FR, all others as themselves. */
export function vatCountry(country: Country): Country {
  return (VAT_COUNTRY.get(country) ?? country) as Country;
}

/** When the country is in the Union for VAT, or null if it never was. */
export function membershipOf(country: Country): Membership | null {
  return MEMBERSHIPS.get(country) ?? null;
}

/** Whether Union VAT law applies in the country at that instant. */
export function isInUnion(country: Country, at: Instant): boolean {
  const membership = MEMBERSHIPS.get(country);
  return membership !== undefined && membership.from <= at && (membership.to === null || at < membership.to);
}
