import { expect, test } from 'vitest';
import { crashScenario, killPlan, randomOf, victims } from '../crash/scenario.ts';

const seed = Number(process.env['CRASH_SEED'] ?? 20_261_121);

test(
  `two kills of each process under load lose nothing that was acknowledged (CRASH_SEED=${seed})`,
  { timeout: 240_000 },
  async () => {
    const report = await crashScenario(killPlan(seed, 2), randomOf(seed + 1));
    expect(report.faults).toEqual([]);
    for (const victim of victims) expect(report.kills[victim]).toBe(2);
    expect(report.commands).toBeGreaterThan(10);
    expect(report.writes).toBeGreaterThan(10);
  },
);
