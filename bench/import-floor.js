// The floor of bench/import.js: rows that are ready as the tables hold them, brought in as fast as the database takes
// them with all its constraints.   node bench/import-floor.js users|orders FILE.tsv
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const [things, file] = process.argv.slice(2);
const url = process.env.UNCLOUD_DATABASE_URL;
const NOW = Math.floor(Date.now() / 1000);

const TABLES = {
  users: {
    users: {
      columns: 'id, username, full_name, email, created_at',
      row: ([id, username, fullName, email]) => [id, username, fullName, email, NOW],
    },
    billing_addresses: {
      columns: 'user_id, organization, street, city, postal_code, country, vat_number',
      row: ([id, , , , ...address]) => [id, ...address],
    },
  },
  orders: {
    orders: {
      columns:
        'id, user_id, product_id, quantity, starts_at, ends_at, recurring_price, description, reference, ' +
        'one_time_price, currency, recurring_period_seconds, created_at',
      row: ([id, userId, quantity, starts, ends, price, description, reference]) => [
        ...[id, userId, 1, quantity, starts, ends === '' ? null : ends, price, description, reference],
        ...[0, 'CHF', 2_592_000, NOW],
      ],
    },
  },
};

const lines = () => createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
if (url.startsWith('sqlite:')) await intoSqlite();
else await intoPostgres();

async function intoSqlite() {
  const database = new Sqlite(url.slice('sqlite:'.length));
  database.pragma('foreign_keys = on');
  database.pragma('synchronous = full');
  database.exec('begin immediate');
  const inserts = Object.entries(TABLES[things]).map(([table, { columns, row }]) => {
    const places = columns.replaceAll(/\w+/g, '?');
    return { statement: database.prepare(`insert into ${table} (${columns}) values (${places})`), row };
  });
  for await (const line of lines()) {
    const cells = line.split('\t');
    for (const { statement, row } of inserts) statement.run(row(cells));
  }
  database.exec('commit');
  database.close();
}

async function intoPostgres() {
  const client = new pg.Client(url);
  await client.connect();
  await client.query('begin');
  for (const [table, { columns, row }] of Object.entries(TABLES[things])) {
    const copy = client.query(copyFrom(`copy ${table} (${columns}) from stdin`));
    await pipeline(Readable.from(texts(row)), copy);
  }
  await client.query('commit');
  await client.end();
}

async function* texts(row) {
  let text = '';
  for await (const line of lines()) {
    text += `${row(line.split('\t'))
      .map((value) => value ?? '\\N')
      .join('\t')}\n`;
    if (text.length < 65_536) continue;
    yield text;
    text = '';
  }
  yield text;
}
