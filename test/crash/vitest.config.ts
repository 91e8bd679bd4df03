import { defineConfig } from 'vitest/config';

/** The whole crash test: some twenty minutes, so it is not part of `npm test`, which runs a seeded selection of it. */
export default defineConfig({
  test: { include: ['test/crash/**/*.test.ts'], pool: 'forks', testTimeout: 3_600_000, hookTimeout: 120_000 },
});
