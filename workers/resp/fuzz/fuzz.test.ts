import { expect, test } from 'vitest';
import { fuzz } from './run.ts';

/** Half a minute of it; `npm run test:fuzz` goes on for longer. FUZZ_SEED begins elsewhere. */
test('no input crashes the engine, stops it or makes it grow', { timeout: 120_000 }, async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9);
  console.log(`FUZZ_SEED=${seed}`);
  const { problem, sessions } = await fuzz(30_000, seed);
  expect(problem).toBeUndefined();
  expect(sessions).toBeGreaterThan(100);
});
