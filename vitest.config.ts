import { defineConfig } from 'vitest/config';

// What whoever runs the tests has set for a database of their own, and locales that the machine may lack.
for (const name of Object.keys(process.env)) {
  if (/^(UNCLOUD_|PG|LC_|LANG)/.test(name)) delete process.env[name];
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    // Vitest leaves one core for itself; on a machine with two that would be half of them.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
