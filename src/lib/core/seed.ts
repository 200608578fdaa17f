import { parseCountry } from './country.ts';
import { Dice } from './dice.ts';
import { parseHostname } from './hostname.ts';
import { formatInstant, type Instant, SECONDS_PER_DAY } from './instant.ts';
import { parseLine } from './line.ts';
import { parsePrefix } from './parse-prefix.ts';
import type { ProviderChange } from './provider.ts';
import { type PrivateKey, parsePrivateKey } from './wireguard-key.ts';

/** How much test data is made. The same numbers give the same data, on every machine and at any time. */
export interface SeedSize {
  readonly users: number;
  readonly ordersPerUser: number;
  readonly networks: number;
  /** Other data of the same kind for another number. */
  readonly seed: number;
}

/** When all of it was entered: 2025-01-01T00:00:00Z. */
export const SEED_TIME = 1_735_689_600 as Instant;

/** The end of every mail address of test data (RFC 2606 keeps `.example` free): by it such a user is known. */
export const SEED_MAIL = '@seed.example';

/** The seller of test data. */
export const SEED_SELLER: ProviderChange = {
  name: parseLine('name', 'Seed Hosting AG'),
  street: parseLine('street', 'Bahnhofstrasse 1'),
  postalCode: parseLine('postal_code', '8750'),
  city: parseLine('city', 'Glarus'),
  country: parseCountry('CH'),
  oss: true,
};

/** The pool that networks of test data come from: the prefix that RFC 3849 keeps for documentation. */
export const SEED_POOL = {
  prefix: parsePrefix('2001:db8::/32'),
  subnetworkSize: 56,
  hostname: parseHostname('vpn.seed.example'),
  interface: null,
  listenPort: null,
  privateKeyFile: null,
};

type List<Item> = readonly [Item, ...Item[]];

function words(text: string): List<string> {
  const [first = '', ...others] = text.split(' ');
  return [first, ...others];
}

const FIRST_NAMES = words(
  'Mia Noah Emma Liam Lena Luca Elin Leon Anna Nino Sara Jan Laura Tim Nora David Julia Samuel ' +
    'Chiara Fabio Ladina Gian Élodie Zoë',
);
const LAST_NAMES = words(
  'Meier Keller Weber Schmid Huber Steiner Baumann Frei Gerber Vogt Zürcher Brunner Caduff Rossi ' +
    'Favre Müller Jenny Tschudi Hefti Streiff',
);
const TRADES = words('Informatik Treuhand Architektur Optik Holzbau Verlag');

interface Place {
  readonly country: string;
  readonly postalCode: string;
  readonly city: string;
  /** What a company of the country is called. */
  readonly form: string;
  /** The letters before the nine digits of a VAT number; empty where it has another form. */
  readonly vatPrefix: string;
}

const place = (country: string, postalCode: string, city: string, form: string, vatPrefix = ''): Place => ({
  country,
  postalCode,
  city,
  form,
  vatPrefix,
});

const PLACES: List<Place> = [
  place('CH', '8750', 'Glarus', 'AG'),
  place('CH', '8762', 'Schwanden', 'GmbH'),
  place('CH', '8001', 'Zürich', 'AG'),
  place('CH', '7000', 'Chur', 'GmbH'),
  place('CH', '1201', 'Genève', 'SA'),
  place('LI', '9490', 'Vaduz', 'AG'),
  place('DE', '10115', 'Berlin', 'GmbH', 'DE'),
  place('DE', '50667', 'Köln', 'GmbH', 'DE'),
  place('PT', '1100-148', 'Lisboa', 'Lda', 'PT'),
  place('EE', '10111', 'Tallinn', 'OÜ', 'EE'),
  place('AT', '1010', 'Wien', 'GmbH'),
  place('FR', '75001', 'Paris', 'SARL'),
];

interface Offer {
  readonly product: string;
  readonly periods: List<string>;
  readonly mostQuantity: number;
}

/** What is ordered: products of `db-add-defaults`, and their periods. */
const OFFERS: List<Offer> = [
  { product: 'VM', periods: ['30d', '30d', '365d'], mostQuantity: 4 },
  { product: 'Dual-stack VM', periods: ['30d', '365d'], mostQuantity: 2 },
  { product: 'SSD storage', periods: ['30d'], mostQuantity: 500 },
  { product: 'IPv4 address', periods: ['30d'], mostQuantity: 2 },
  { product: 'VPN network', periods: ['365d'], mostQuantity: 1 },
  { product: 'Membership', periods: ['30d'], mostQuantity: 1 },
];

/** The users, as the lines of a JSON Lines file for `user import`. */
export function* seedUsers(size: SeedSize): Generator<string> {
  for (let number = 1; number <= size.users; number += 1) yield lineOf(seedUser(size, number));
}

/** Their orders, as the lines of a JSON Lines file for `order import`. */
export function* seedOrders(size: SeedSize): Generator<string> {
  for (let number = 1; number <= size.users; number += 1) {
    const { username } = seedUser(size, number);
    let before: { reference: string; startsAt: number; ended: boolean } | null = null;
    for (let order = 1; order <= size.ordersPerUser; order += 1) {
      const dice = new Dice(size.seed, 2, number, order);
      const offer = dice.pick(OFFERS);
      const reference = `seed-${size.seed}-${number}-${order}`;
      const replaced: typeof before = before?.ended === false && dice.below(10) === 0 ? before : null;
      const startsAt: number =
        (replaced?.startsAt ?? SEED_TIME - SECONDS_PER_DAY * (1 + dice.below(365))) +
        3600 * dice.below(24) +
        SECONDS_PER_DAY;
      const ended = dice.below(8) === 0;
      yield lineOf({
        username,
        product: offer.product,
        quantity: 1 + dice.below(offer.mostQuantity),
        starts_at: formatInstant(startsAt as Instant),
        ends_at: ended ? formatInstant((startsAt + SECONDS_PER_DAY * (1 + dice.below(400))) as Instant) : '',
        period: dice.pick(offer.periods),
        reference,
        replaces: replaced?.reference ?? '',
      });
      before = { reference, startsAt, ended };
    }
  }
}

/**
 * The networks that they are lent, as the lines of a JSON Lines file for `vpn network import`.
 * @param borrowers who has which network already, by its public key: with more users the turn would come to others
 */
export function* seedNetworks(
  size: SeedSize,
  borrowers: ReadonlyMap<string, string> = new Map(),
): Generator<string> {
  for (let number = 1; number <= size.networks; number += 1) {
    const public_key = seedKey(new Dice(size.seed, 3, number));
    const username = borrowers.get(public_key) ?? seedUser(size, 1 + ((number - 1) % size.users)).username;
    yield lineOf({ username, public_key, size: SEED_POOL.subnetworkSize });
  }
}

/** The private key of the pool: everybody can know it, so it is for tests alone. */
export function seedPrivateKey({ seed }: SeedSize): PrivateKey {
  return parsePrivateKey(seedKey(new Dice(seed, 4)));
}

/** Base64 of 32 bytes. As a public key it is one whose private key nobody knows. */
function seedKey(dice: Dice): string {
  return btoa(String.fromCharCode(...Array.from({ length: 32 }, () => dice.below(256))));
}

function seedUser({ seed }: SeedSize, number: number) {
  const dice = new Dice(seed, 1, number);
  const first = dice.pick(FIRST_NAMES);
  const last = dice.pick(LAST_NAMES);
  const at = dice.pick(PLACES);
  const isCompany = dice.below(4) === 0;
  const username = `${plain(first)}.${plain(last)}.${number}`;
  const digits = String(100_000_000 + dice.below(900_000_000));
  return {
    username,
    full_name: `${first} ${last}`,
    email: `${username}${SEED_MAIL}`,
    organization: isCompany ? `${last} ${dice.pick(TRADES)} ${at.form}` : '',
    street: `${dice.pick(['Bahnhofstrasse', 'Hauptstrasse', 'Dorfweg', 'Am Bach'])} ${1 + dice.below(120)}`,
    city: at.city,
    postal_code: at.postalCode,
    country: at.country,
    vat_number: isCompany && at.vatPrefix !== '' ? `${at.vatPrefix}${digits}` : '',
  };
}

/** The letters a to z of a name: Zürcher is zurcher. */
function plain(name: string): string {
  return name
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');
}

function lineOf(row: Readonly<Record<string, string | number>>): string {
  return `${JSON.stringify(row)}\n`;
}
