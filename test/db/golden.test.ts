import { DatabaseWorld } from '../support/database-world.ts';
import { describeDatabases } from '../support/databases.ts';
import { testGoldenCases } from '../support/golden.ts';

describeDatabases('billing', (databases) => {
  testGoldenCases('through the ops', (seller, rates) => DatabaseWorld.open(databases, seller, rates));
});
