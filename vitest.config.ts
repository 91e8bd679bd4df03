import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/crash/**'],
    globalSetup: ['test/tools/global-setup.ts'],
    reporters: ['default', './test/tools/closing-line.ts'],
    // Processes, not threads: tests start servers, send signals and change the environment.
    pool: 'forks',
    maxWorkers: 4,
    // CI runs once, on a machine whose load nobody knows, and its tests kill real processes. What passes only the second time is named at
    // the end of the run; elsewhere nothing is tried again.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
