import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { createLog } from '#infra/logging/log.ts';
import { expect, test } from 'vitest';

import { identify } from '../process/identity.ts';
import { follow, type Launched, type StopSteps } from './launch.ts';
import { backoff_ms, type ChildState, supervise } from './supervise.ts';

const silent = createLog('test', 'silent');

/** A real process that runs the given code and then prints "up". */
function node(code: string, steps: StopSteps = [['SIGTERM', 5000]]): Launched {
  const child = spawn(process.execPath, ['-e', `${code}console.log('up');`], { stdio: ['ignore', 'pipe', 'ignore'] });
  return follow(child, () => new Promise((resolve) => child.stdout.once('data', () => resolve())), steps);
}

const forever = 'setInterval(() => {}, 1000);';

test('a killed process is back within a tenth of a second plus its own start', async () => {
  const starts: number[] = [];
  const seen: ChildState[] = [];
  const launch = async (): Promise<Launched> => {
    starts.push(performance.now());
    return node(forever);
  };
  const child = supervise('child', launch, silent, (state) => seen.push(state));
  await child.ready;
  await sleep(1100);
  const first = seen.find((state) => state.kind === 'ready');
  if (first?.kind !== 'ready') throw new Error('never ready');
  const killedAt = performance.now();
  process.kill(first.pid, 'SIGKILL');
  while (seen.filter((state) => state.kind === 'ready').length < 2) await sleep(10);
  expect((starts[1] ?? Infinity) - killedAt).toBeLessThan(100);
  await child.stop();
  expect(seen.at(-1)).toEqual({ kind: 'stopped' });
  for (const state of seen) if ('pid' in state) expect(identify(state.pid)).toBeUndefined();
});

test('a process that dies at once is tried again ever more slowly, and stopping interrupts the wait', async () => {
  const delays: number[] = [];
  const child = supervise(
    'child',
    async () => node('process.exit(3)'),
    silent,
    (state) => {
      if (state.kind === 'waiting') delays.push(state.delay_ms);
    },
  );
  while (delays.length < 5) await sleep(10);
  expect(delays.slice(0, 5)).toEqual([0, 100, 200, 400, 800]);
  const asked = performance.now();
  await child.stop();
  expect(performance.now() - asked).toBeLessThan(500);
  expect(backoff_ms(50)).toBe(5000);
});

test('a launch that fails is an end like any other', async () => {
  let attempts = 0;
  const launch = async (): Promise<Launched> => {
    attempts += 1;
    if (attempts < 3) throw new Error('no such program');
    return node(forever);
  };
  const child = supervise('child', launch, silent, () => {});
  await child.ready;
  expect(attempts).toBe(3);
  await child.stop();
});

test('a process that ignores SIGTERM is ended by force', async () => {
  const stubborn = node(`process.on('SIGTERM', () => {});${forever}`, [['SIGTERM', 200]]);
  await stubborn.ready;
  await stubborn.stop();
  expect(await stubborn.exited).toBe('SIGKILL');
});
