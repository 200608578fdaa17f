import { testGoldenCases } from '../support/golden.ts';
import { MemoryWorld } from '../support/memory-world.ts';

testGoldenCases('in memory', async (seller, rates) => new MemoryWorld(seller, rates));
