import { parseCurrency } from './money.ts';
import { PERIODS } from './period.ts';
import {
  type Product,
  parsePriceOption,
  parseProductDescription,
  parseProductName,
  priceSet,
} from './product.ts';

/** The recurring periods that `db-add-defaults` adds: name and seconds. */
export const DEFAULT_PERIODS: readonly (readonly [name: string, seconds: number])[] = Object.entries(PERIODS);

/** The products that `db-add-defaults` adds: what an IPv6-first hosting provider sells, to start from. */
export const DEFAULT_PRODUCTS: readonly Product[] = [
  product(
    'VM',
    'Virtual machine with IPv6: 1 core, 1 GB of memory, 10 GB of SSD',
    '30d=0+10.50',
    '365d=0+120',
  ),
  product(
    'Dual-stack VM',
    'Virtual machine with IPv6 and one IPv4 address: 1 core, 1 GB of memory, 10 GB of SSD',
    '30d=1+20.50',
    '365d=1+240',
  ),
  product('VPN network', 'An IPv6 network through a VPN, usually a /48', '365d=0+120'),
  product('IPv6 network', 'An additional routed /48', '30d=1+5'),
  product('IPv4 address', 'One public IPv4 address', '30d=1+10'),
  product('SSD storage', '1 GB of SSD storage', '30d=0+0.35'),
  product('Membership', 'Membership in the association', '30d=0+5'),
  product('Django hosting', 'Setting up a Django site', 'once=35+0'),
];

function product(name: string, description: string, ...prices: string[]): Product {
  return {
    name: parseProductName(name),
    description: parseProductDescription(description),
    prices: priceSet(prices.map(parsePriceOption), parseCurrency('CHF')),
  };
}
