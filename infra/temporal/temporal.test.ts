import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { testTemporal, type TestTemporal } from '#test/integration/temporal-server.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { TemporalAway, temporalClient } from './client.ts';
import { keepWorking } from './worker.ts';
import { workflowBundle } from './workflow-bundle.ts';

const workflowsFile = fileURLToPath(new URL('../../test/integration/noting-workflow/workflows.ts', import.meta.url));
let temporal: TestTemporal;
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

beforeAll(async () => {
  temporal = await testTemporal();
}, 590_000);
afterAll(() => temporal.remove());

test('worker and client wait for a server that comes up later, and survive its restart and the loss of its databases', async () => {
  const client = temporalClient({ ...temporal, taskQueue: 'test' });
  const done: string[] = [];
  const worker = keepWorking({
    ...temporal,
    taskQueue: 'test',
    bundle: (signal) => workflowBundle(workflowsFile, signal),
    activities: { note: async ({ text }: { text: string }) => void done.push(text) },
    log,
  });
  const run = (id: string) => client.start({ workflow: 'noting', id, input: { text: id } });
  try {
    await expect(run('early')).rejects.toThrow(TemporalAway);
    await expect(client.status('early')).rejects.toThrow(TemporalAway);
    expect(worker.status().state).toBe('connecting');

    await temporal.start();
    await vi.waitFor(() => expect(worker.status().state).toBe('polling'), 30_000);
    expect(await vi.waitFor(() => run('one'), 10_000)).toBe('started');
    await vi.waitFor(() => expect(done).toEqual(['one']), 10_000);
    await vi.waitFor(async () => expect(await client.status('one')).toBe('completed'), 5000);
    expect(await run('one')).toBe('exists');
    expect(await client.status('never heard of')).toBe('unknown');

    await temporal.stop();
    await expect(run('two')).rejects.toThrow(TemporalAway);
    await temporal.start();
    expect(await vi.waitFor(() => run('two'), 10_000)).toBe('started');
    await vi.waitFor(() => expect(done).toEqual(['one', 'two']), 30_000);

    await temporal.loseDatabases();
    expect(await vi.waitFor(() => client.status('one'), 10_000)).toBe('unknown');
    expect(await vi.waitFor(() => run('three'), 10_000)).toBe('started');
    await vi.waitFor(() => expect(done).toEqual(['one', 'two', 'three']), 30_000);
  } finally {
    const began = performance.now();
    await worker.stop();
    await client.close();
    expect(performance.now() - began).toBeLessThan(7000);
  }
}, 180_000);

test('a workflow whose code has changed under it ends as failed, so that it can be started anew', async () => {
  await temporal.start();
  const folder = await mkdtemp(path.join(import.meta.dirname, 'changing-'));
  const client = temporalClient({ ...temporal, taskQueue: 'changing' });
  const version = async (body: string) => {
    const file = path.join(folder, 'workflows.ts');
    await writeFile(
      file,
      `import { proxyActivities, sleep } from '@temporalio/workflow';
       const { note } = proxyActivities<{ note(text: string): Promise<void> }>({ startToCloseTimeout: '10s' });
       export async function changing(): Promise<void> { ${body} }`,
    );
    return keepWorking({
      ...temporal,
      taskQueue: 'changing',
      bundle: (signal) => workflowBundle(file, signal, folder),
      activities: { note: async (text: string) => void done.push(text) },
      log,
    });
  };
  const done: string[] = [];
  try {
    const before = await version(`await note('first'); await sleep('4s');`);
    const start = () => client.start({ workflow: 'changing', id: 'changing', input: {} });
    await vi.waitFor(start, 30_000);
    await vi.waitFor(() => expect(done).toEqual(['first']), 30_000);
    await before.stop();

    const after = await version(`await sleep('1s'); await note('second');`);
    await vi.waitFor(async () => expect(await client.status('changing')).toBe('failed'), 40_000);
    expect(await start()).toBe('started');
    await vi.waitFor(async () => expect(await client.status('changing')).toBe('completed'), 30_000);
    expect(done).toEqual(['first', 'second']);
    await after.stop();
  } finally {
    await client.close();
    await rm(folder, { recursive: true });
  }
}, 120_000);
