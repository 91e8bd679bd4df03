import { expect, test } from 'vitest';
import { crashScenario, killPlan, randomOf, victims } from './scenario.ts';

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const times = Number(process.env['CRASH_TIMES'] ?? 50);

test(`${times} kills of each of ${victims.join(', ')} lose nothing that was acknowledged (CRASH_SEED=${seed})`, async () => {
  const report = await crashScenario(killPlan(seed, times), randomOf(seed + 1));
  console.log(
    `CRASH_SEED=${seed}`,
    JSON.stringify(report.kills),
    `${report.commands} commands, ${report.writes} writes acknowledged`,
  );
  expect(report.faults).toEqual([]);
  for (const victim of victims) expect(report.kills[victim]).toBe(times);
  expect(report.commands).toBeGreaterThan(times);
  expect(report.writes).toBeGreaterThan(times);
});
