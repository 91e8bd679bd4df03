import { writeFileSync } from 'node:fs';

import { afterEach, expect, test } from 'vitest';

import {
  copyOf,
  newFolder,
  openLog,
  recovered,
  removeFolders,
  run,
  serve,
  strings,
  writtenBytes,
} from '../testing/wal-lab.ts';
import { segmentFile } from './segment.ts';

afterEach(removeFolders);

const firstSegment = (dir: string): string => segmentFile(dir, 0);

/** Runs commands in one tick. */
function together(node: Awaited<ReturnType<typeof serve>>, lines: readonly string[]): Promise<unknown> {
  return Promise.all(lines.map((line) => run(node, line)));
}

test('what a node does in a tick shares records, and is recovered in order', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  const [a, b] = [await serve(wal, 'a'), await serve(wal, 'b')];
  const lines = Array.from({ length: 500 }, (_, i) => `APPEND text ${i},`);
  await together(a, lines);
  await Promise.all(lines.flatMap((line) => [run(a, line), run(b, line)]));
  await wal.close();
  const again = await openLog(dir);
  // A few records for the first thousand, and one for each effect where two nodes take turns.
  expect(again.report.records).toBeGreaterThan(1000);
  expect(again.report.records).toBeLessThan(1030);
  const once = lines.map((_, i) => `${i},`).join('');
  expect(strings(await serve(again, 'a'))).toEqual({ text: once + once });
  expect(strings(await serve(again, 'b'))).toEqual({ text: once });
  await again.close();
});

test('a torn run is cut between commands, and never within a transaction', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  const node = await serve(wal, 'a');
  const value = 'v'.repeat(150);
  for (let i = 1; i <= 60; i++) {
    if (i % 3 === 0)
      node.journal!.appendBlock(['x', 'y'].map((key) => ({ db: 0, args: ['SET', key, `${i}${value}`] })));
    else for (const key of ['x', 'y']) node.journal!.append(0, ['SET', key, `${i}${value}`]);
  }
  await new Promise((resolve) => node.journal!.whenDurable(resolve));
  const bytes = writtenBytes(firstSegment(dir));
  const killed = copyOf(dir);
  await wal.close();
  const found = new Set<number>();
  for (let length = 100; length < bytes.length; length += 131) {
    const torn = copyOf(killed);
    writeFileSync(firstSegment(torn), bytes.subarray(0, length));
    const { x = '', y = '' } = await recovered(torn);
    const [nx, ny] = [Number.parseInt(x, 10) || 0, Number.parseInt(y, 10) || 0];
    found.add(nx);
    expect(nx === ny || (nx === ny + 1 && nx % 3 !== 0), `${nx} and ${ny} of ${length} bytes`).toBe(true);
  }
  // More than one record: what is torn does not take everything of the tick with it.
  expect(found.size).toBeGreaterThan(3);
});

test('a base that is begun in the middle of a run stands for what came before it and no more', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  // What nobody waits for gathers for some turns, and the base's instant falls into one of them.
  const node = await serve(wal, 'a', 'everysec');
  let count = 0;
  for (let round = 0; round < 20; round++) {
    const based = wal.writeBase('a');
    const ended = based.then(() => true);
    const turn = async (): Promise<boolean> => new Promise((resolve) => setImmediate(() => resolve(false)));
    do {
      void run(node, 'INCR n');
      count++;
    } while (!(await Promise.race([ended, turn()])));
  }
  await wal.close();
  expect(await recovered(dir)).toEqual({ n: String(count) });
});
