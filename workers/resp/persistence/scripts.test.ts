import { afterAll, expect, test } from 'vitest';

import { Node } from '../keyspace/node.ts';
import { loadRdb } from './load.ts';
import { snapshotRdb } from './snapshot.ts';
import { chunked, collect, digestOf } from './testing/keyspaces.ts';
import { copyOf, engine, newFolder, openLog, removeFolders, run, serve } from './testing/wal-lab.ts';

afterAll(() => removeFolders());

/** Writes as many keys as told, each `pair` of them only together, with long pauses in between. */
const LONG = `
for i = 1, ARGV[1] do
  redis.call('set', 'left' .. i, ARGV[2])
  local x = 0 for j = 1, 3e5 do x = x + j end
  redis.call('set', 'right' .. i, ARGV[2])
end
return redis.call('incr', 'runs')`;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 20));

/** Says what is wrong when one half of a pair is there without the other, or another run's. */
function halves(node: Node): string[] {
  const { entries } = node.database(0);
  const wrong: string[] = [];
  entries.forEach((value, key) => {
    if (key.startsWith('left') && entries.get(key.replace('left', 'right')) !== value) wrong.push(key);
  });
  return wrong;
}

test('snapshots, bases and replaced data that come during scripts hold whole scripts only', async () => {
  const dir = newFolder();
  const wal = await openLog(dir, { nodeBytes: 20_000 });
  const node = await serve(wal, 'a');
  await run(node, 'set left1 0');
  await run(node, 'set right1 0');
  const working = new AbortController();
  const scripts = (async () => {
    for (let i = 0; i < 12; i++) await engine.execute(node, ['EVAL', LONG, '0', '8', String(i)]);
    working.abort();
  })();
  let bases = 0;
  let busy = 0;
  while (!working.signal.aborted) {
    await pause();
    if (node.busy) busy++;
    const { stream, result } = snapshotRdb(node);
    const file = await collect(stream);
    const loaded = new Node({ id: 'loaded' });
    const { digest } = await loadRdb(chunked(file, 65_536), loaded, 0);
    expect(digest).toBe((await result).digest);
    expect(halves(loaded)).toEqual([]);
    await wal.writeBase('a');
    bases++;
    // What a killed process would leave is some whole number of scripts, whatever the base has of them.
    const after = await openLog(copyOf(dir));
    const recovered = await serve(after, 'a');
    expect(halves(recovered)).toEqual([]);
    await after.close();
  }
  await scripts;
  expect([bases, busy].every((count) => count > 0)).toBe(true);
  const expected = digestOf(node);
  await wal.close();
  const again = await openLog(dir);
  const recovered = await serve(again, 'a');
  expect(digestOf(recovered)).toBe(expected);
  await again.close();
}, 60_000);

test('data that is replaced during a script is replaced after it', async () => {
  const wal = await openLog(newFolder());
  const node = await serve(wal, 'a');
  const script = engine.execute(node, ['EVAL', LONG, '0', '20', 'x']);
  await new Promise(setImmediate);
  expect(node.busy).toBe(true);
  const content = new Node({ id: 'content' });
  await run(content, 'set only this');
  await wal.replaceNode('a', content, () => engine.replaceKeyspace(node, content));
  expect(await script).toBe(1);
  expect(await run(node, 'keys *')).toEqual(['only']);
  await wal.close();
});

test('a node that is closed during a script has in its base what the script came to', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  const node = await serve(wal, 'a');
  const script = engine.execute(node, ['EVAL', "redis.call('set', 'a', 1) while true do end", '0']);
  await new Promise(setImmediate);
  engine.closeNode(node);
  await wal.closeNode('a', { base: true });
  expect(JSON.stringify(await script)).toContain('was ended because its node was stopped');
  await wal.close();
  const again = await openLog(dir);
  expect(await run(await serve(again, 'a'), 'get a')).toBe('1');
  await again.close();
});

const library = (name: string): string =>
  `#!lua name=${name}\nredis.register_function('${name}_f', function(keys) return redis.call('incr', keys[1]) end)`;

test('function libraries survive restarts, from the log and from bases, and are replaced with the data', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  const node = await serve(wal, 'a');
  for (const name of ['one', 'two', 'three']) await engine.execute(node, ['FUNCTION', 'LOAD', library(name)]);
  await run(node, 'FUNCTION DELETE two');
  await run(node, 'FCALL one_f 1 k');
  await run(node, 'FLUSHALL');
  const fromLog = await openLog(copyOf(dir));
  const first = await serve(fromLog, 'a');
  expect([...first.libraries!.keys()]).toEqual(['one', 'three']);
  expect(await run(first, 'FCALL three_f 1 k')).toBe(1);
  await fromLog.close();
  await wal.writeBase('a');
  await wal.close();
  const again = await openLog(dir);
  const second = await serve(again, 'a');
  expect(await run(second, 'FCALL one_f 1 k')).toBe(1);
  const content = new Node({ id: 'content' });
  await engine.execute(content, ['FUNCTION', 'LOAD', library('four')]);
  await again.replaceNode('a', content, () => engine.replaceKeyspace(second, content));
  expect(await run(second, 'FCALL four_f 1 k')).toBe(1);
  expect(JSON.stringify(await run(second, 'FCALL one_f 1 k'))).toContain('Function not found');
  await run(second, 'FUNCTION FLUSH');
  await again.close();
  const last = await openLog(dir);
  expect((await serve(last, 'a')).libraries).toBeUndefined();
  await last.close();
});
