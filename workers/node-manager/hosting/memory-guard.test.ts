import { expect, test, vi } from 'vitest';
import { pino } from 'pino';
import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';

import { guardMemory } from './memory-guard.ts';

test('nodes that together hold more than the budget may not grow, and may again once there is room', async () => {
  const engine = createEngine({});
  const [greedy, modest] = [new Node({ id: 'greedy' }), new Node({ id: 'modest', maxMemory: 2 ** 20 })];
  const told: number[] = [];
  const guard = guardMemory({
    engine,
    usedBytes: () => greedy.usedBytes + modest.usedBytes,
    budgetBytes: 4 * 2 ** 20,
    log: pino({ level: 'silent' }),
    tell: (bytes) => void told.push(bytes),
  });
  const set = (node: Node) => engine.execute(node, ['SET', 'k', 'v']);
  try {
    await engine.execute(greedy, ['SET', 'big', 'x'.repeat(5 * 2 ** 20)]);
    const oom = { error: "OOM command not allowed when used memory > 'maxmemory'." };
    await vi.waitFor(async () => expect(await set(modest)).toEqual(oom), 2000);
    expect(await set(greedy)).toEqual(oom);
    expect(await engine.execute(modest, ['GET', 'k'])).toBe('v');
    expect(await engine.execute(greedy, ['DEL', 'big'])).toBe(1);
    await vi.waitFor(async () => expect(await set(modest)).toBe('OK'), 2000);
    expect(told[0]).toBeGreaterThan(5 * 2 ** 20);
    // What other processes hold counts as well.
    guard.othersUse(5 * 2 ** 20);
    await vi.waitFor(async () => expect(await set(modest)).toEqual(oom), 2000);
    guard.othersUse(0);
    await vi.waitFor(async () => expect(await set(modest)).toBe('OK'), 2000);
  } finally {
    guard.stop();
    await engine.close();
  }
});
