import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { importOrders } from '../../src/lib/ops/order-import.ts';
import { importProducts } from '../../src/lib/ops/product-import.ts';
import { importUsers } from '../../src/lib/ops/user-import.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { openShop } from '../support/shop.ts';

const IMPORTS = {
  users: {
    work: importUsers,
    file: 'username,country,city\nnico,CH,Bern\nanna,,\ncarl,DE,Ulm\nb b,,\n',
    state: `select username, city from users left join billing_addresses on user_id = users.id order by username`,
  },
  products: {
    work: importProducts,
    file: 'name,period,recurring_price,default\nVM,30d,11,\nVM,week,3,true\nDisk,30d,1,\n,week,,\n',
    state: `select name, recurring_price, is_default from products join product_prices on product_id = products.id
      order by name, recurring_price`,
  },
  orders: {
    work: importOrders,
    file:
      'username,product,starts_at,replaces,reference\nnico,VM,2025-03-01,second,third\nnico,VM,2025-02-01,first,second\n' +
      'nico,VM,2025-01-01,,first\nanna,VM,2025-01-01,,\nnico,VM,2025-02-01,nowhere,lost\n',
    state: `select orders.reference, replaced.reference as replaced from orders
      left join orders as replaced on replaced.id = orders.replaces_id order by orders.reference`,
  },
};

describeDatabases('an import that loses its database', (databases) => {
  for (const [things, { work, file: content, state: query }] of Object.entries(IMPORTS)) {
    it.each<Moment>(['before', 'after'])(
      `of ${things} has done all or nothing, %s any statement`,
      async (moment) => {
        const folder = await mkdtemp(join(databases.folder, 'faults-'));
        const file = join(folder, 'rows.csv');
        await writeFile(file, content);
        const rejects = join(folder, 'rejects.csv');
        const options: ImportOptions = { file, partial: true, dryRun: false, rejects };

        const shop = await openShop(await databases.context());
        const stateOf = async (context: TestContext) =>
          (await sql.raw(query).execute((await context.db()).kysely)).rows;
        const before = await stateOf(shop);
        const rehearsal = await openShop(await databases.context());
        await work(rehearsal, options);
        const done = await stateOf(rehearsal);
        expect(done).not.toEqual(before);

        let { url } = shop;
        for (let statement = 1, came = true; came; statement++) {
          const doomed = await databases.context({ url });
          await doomed.db();
          came = await breakDatabase(
            (_, count) => count === statement,
            moment,
            () => work(doomed, options).catch((error: unknown) => expect(error).toMatchObject({ exit: 75 })),
          );
          await (await doomed.db()).close();
          const context = await databases.context({ url });
          const left = await stateOf(context);
          expect([before, done]).toContainEqual(left);
          expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).toEqual([]);
          if (JSON.stringify(left) === JSON.stringify(done)) {
            expect(await work(context, options)).toMatchObject({ inserted: 0, updated: 0 });
            if (came) url = (await openShop(await databases.context())).url;
          }
          await (await context.db()).close();
        }
        expect(await stateOf(await databases.context({ url }))).toEqual(done);
      },
      120_000,
    );
  }
});
