import type { ImportResult } from '../../src/lib/core/import-report.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import { importOrders } from '../../src/lib/ops/order-import.ts';
import { importProducts } from '../../src/lib/ops/product-import.ts';
import { importUsers } from '../../src/lib/ops/user-import.ts';
import { importNetworks } from '../../src/lib/ops/vpn-network-import.ts';
import type { TestContext } from './databases.ts';
import { testKey } from './served-pool.ts';
import { openShop } from './shop.ts';
import { addPool } from './vpn.ts';

/** What is imported. */
export const THINGS = ['user', 'product', 'order', 'vpn network'] as const;
export type Things = (typeof THINGS)[number];

interface Kind {
  readonly work: (context: Context, options: ImportOptions) => Promise<ImportResult>;
  readonly header: string;
  /** A sound row; `number` is from 1 on. */
  readonly row: (number: number) => string;
  readonly faulty: string;
}

/** Files of several batches, which change what is stored and add to it. */
export const KINDS: Readonly<Record<Things, Kind>> = {
  user: {
    work: importUsers,
    header: 'username,full_name,country',
    row: (number) => `${number === 1 ? 'nico' : `user${number}`},Full Name ${number},CH`,
    faulty: 'b b,,',
  },
  product: {
    work: importProducts,
    header: 'name,period,recurring_price,default',
    row: (number) => (number === 1 ? 'VM,week,3,true' : `Product ${number},30d,${number},`),
    faulty: ',week,,',
  },
  order: {
    work: importOrders,
    header: 'username,product,starts_at,replaces,reference',
    // Each third one replaces the one that follows it, and waits for it.
    row: (number) =>
      `nico,VM,2025-0${number % 3 === 0 ? 2 : 1}-01,${number % 3 === 0 ? `o${number + 1}` : ''},o${number}`,
    faulty: 'nobody,VM,,,lost',
  },
  'vpn network': {
    work: importNetworks,
    header: 'username,public_key,size,reference',
    row: (number) => `nico,${testKey(number)},64,n${number}`,
    faulty: 'nobody,?,64,',
  },
};

/** The text of a file with so many sound rows, and faulty ones in between if they are wanted. */
export function fileOf(things: Things, rows: number, { faulty }: { faulty: boolean }): string {
  const { header, row, faulty: bad } = KINDS[things];
  const lines = Array.from({ length: rows }, (_, index) =>
    faulty && index % 100 === 50 ? `${row(index + 1)}\n${bad}` : row(index + 1),
  );
  return `${[header, ...lines].join('\n')}\n`;
}

/** Two users, two products and a pool: what the rows of these files name. */
export async function openImportWorld(context: TestContext): Promise<TestContext> {
  await openShop(context);
  await addPool(context, '2001:db8:f::/48', { subnetworkSize: 64 });
  return context;
}
