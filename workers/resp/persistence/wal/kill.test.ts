import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { afterEach, expect, test } from 'vitest';

import { newFolder, openLog, removeFolders, serve, strings } from '../testing/wal-lab.ts';

afterEach(removeFolders);

const child = fileURLToPath(new URL('../testing/wal-child.ts', import.meta.url));
const ids = ['a', 'b', 'c', 'd'];
const KILLS = 25;

/** Runs writers and kills them after a while; returns the last number acknowledged for each node. */
async function writeUntilKilled(dir: string, afterMs: number): Promise<Map<string, number>> {
  const writer = spawn(process.execPath, [child, dir, ...ids], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged = new Map<string, number>();
  let rest = '';
  let timer: NodeJS.Timeout | undefined;
  writer.stdout.setEncoding('utf8').on('data', (text: string) => {
    timer ??= setTimeout(() => writer.kill('SIGKILL'), afterMs);
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) acknowledged.set(line.split(' ')[0]!, Number(line.split(' ')[1]));
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return acknowledged;
}

test(
  `no acknowledged write is lost and no transaction is torn in ${KILLS} kills at random moments`,
  { timeout: 300_000 },
  async () => {
    const dir = newFolder();
    let writes = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await writeUntilKilled(dir, Math.random() * 150);
      const wal = await openLog(dir);
      expect(wal.report.damage).toBeUndefined();
      for (const id of ids) {
        const found = strings(await serve(wal, id));
        expect(found['x']).toBe(found['y']);
        const last = acknowledged.get(id) ?? 0;
        expect(Number(found['x'] ?? 0), `node ${id}, kill ${kill}`).toBeGreaterThanOrEqual(last);
        expect(Number(found['x'] ?? 0)).toBeLessThanOrEqual(Math.max(last, writes) + 20_000);
        writes = Math.max(writes, last);
      }
      await wal.close();
    }
    expect(writes).toBeGreaterThan(KILLS);
  },
);
