import { testGoldenCases } from '../support/golden.ts';
import { MemoryWorld, vatRulesOf } from '../support/memory-world.ts';

testGoldenCases('in memory', async (seller, rates) => new MemoryWorld(vatRulesOf(seller, rates)));
