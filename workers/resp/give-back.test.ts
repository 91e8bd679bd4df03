import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { V8_FLAGS } from './v8-flags.ts';

/** Grows the young generation as a burst of nodes does, and says what the process takes then and once it was left alone. */
const program = `
  import { setTimeout as sleep } from 'node:timers/promises';
  const { giveBackWhenIdle } = await import(process.argv[1]);
  const kept = Array.from({ length: 200_000 }, (_, index) => ({ index, some: [index, index + 1], text: 'node ' + index }));
  const grown = process.memoryUsage.rss();
  giveBackWhenIdle(50);
  const deadline = Date.now() + 20_000;
  while (process.memoryUsage.rss() > grown - 12 * 2 ** 20 && Date.now() < deadline) await sleep(100);
  console.log(kept.length, (grown - process.memoryUsage.rss()) / 2 ** 20);
`;

test('what a burst has left behind goes back to the system once nobody asks for anything', async () => {
  const module = new URL('give-back.ts', import.meta.url).href;
  const args = [...V8_FLAGS, '--input-type=module', '-e', program, module];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [kept, givenBack] = stdout.split(' ').map(Number);
  expect(kept).toBe(200_000);
  expect(givenBack).toBeGreaterThan(12);
});
