import { afterEach, expect, test } from 'vitest';

import { createGenerator, seeded } from '../conformance/generate.ts';
import { templates } from '../conformance/templates.ts';
import { openWire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import type { Effect } from '../keyspace/journal.ts';
import { Node } from '../keyspace/node.ts';
import { StreamValue } from '../keyspace/stream-value.ts';
import { DEFAULT_LIMITS } from '../keyspace/sizes.ts';
import { streamId } from '../keyspace/stream-id.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { digestOf, plainNode } from '../persistence/testing/keyspaces.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function nodeWithJournal() {
  const effects: Effect[] = [];
  const journal = {
    append: (db: number, args: readonly string[]) => void effects.push({ db, args }),
    appendBlock: (block: readonly Effect[]) => void effects.push(...block),
    records: true,
    holdsReplies: false,
    isDurable: false,
    whenKept: (callback: (durable: boolean) => void) => callback(true),
    whenDurable: (callback: (durable: boolean) => void) => callback(true),
    failure: undefined,
  };
  return { node: new Node({ id: 'live', journal }), effects };
}

async function startedEngine() {
  const { node, effects } = nodeWithJournal();
  const engine = createEngine({ defaultNode: node, codec: rdbCodec });
  const port = await engine.listen({ port: 0 });
  ends.push(() => engine.close());
  const wire = async () => {
    const opened = await openWire(port);
    ends.push(() => opened.close());
    return { run: async (line: string) => (await opened.batch([line.split(' ')]))[0]! };
  };
  return { engine, node, effects, wire };
}

test('the journal of random commands on streams makes the same keyspace, and memory is what a fresh count gives', async () => {
  const lines = templates.filter((line) => /^(?:X|DEL|COPY|RENAME|MULTI|EXEC|FLUSHDB)/.test(line));
  for (let seed = 1; seed <= 20; seed++) {
    const { node, effects } = nodeWithJournal();
    const engine = createEngine({ defaultNode: node, codec: rdbCodec });
    const next = createGenerator(seeded(seed), lines);
    for (let i = 0; i < 600; i++) await engine.execute(node, next());
    const copy = new Node({ id: 'copy' });
    for (const { db, args } of effects) engine.applyJournaled(copy, db, args);
    expect(plainNode(copy), `seed ${seed}`).toEqual(plainNode(node));
    expect(digestOf(copy)).toBe(digestOf(node));
    const restored = new Node({ id: 'restored' });
    for (const db of node.databases) {
      db?.entries.forEach((value, key) => {
        restored.database(db.index).load(key, rdbCodec.deserializeValue(rdbCodec.serializeValue(value))!);
      });
    }
    expect(bytesBesideTables(restored), `seed ${seed}`).toBe(bytesBesideTables(node));
    await engine.close();
  }
});

/** What keys and values take. A table that held more keys has more room than one that was filled anew. */
function bytesBesideTables(node: Node): number {
  return node.databases.reduce(
    (sum, db) => sum - (db === undefined || db.size === 0 ? 0 : db.entries.bytes),
    node.usedBytes,
  );
}

test('generated IDs grow, and effects name them and what trimming left', async () => {
  const { wire, effects } = await startedEngine();
  const { run } = await wire();
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await run('XADD s MAXLEN ~ 3 * f v')).split('\r\n')[1]!);
  const parts = ids.map((id) => id.split('-').map(Number) as [number, number]);
  for (const [i, [ms, seq]] of parts.entries()) {
    expect(Math.abs(ms - Date.now())).toBeLessThan(60_000);
    if (i > 0) expect(ms > parts[i - 1]![0] || seq === parts[i - 1]![1] + 1).toBe(true);
  }
  expect(effects.map(({ args }) => args)).toEqual(
    ids.map((id, i) => ['XADD', 's', 'MAXLEN', '=', String(i + 1), id, 'f', 'v']),
  );
  await run('XADD s 99999999999999-18446744073709551615 f v');
  expect(await run('XADD s * f v')).toBe('$17\r\n100000000000000-0\r\n');
});

test('XREAD waits for new entries and gets those of all its streams', async () => {
  const { wire } = await startedEngine();
  const [reader, writer] = [await wire(), await wire()];
  await writer.run('XADD a 1-1 f old');
  const waiting = reader.run('XREAD BLOCK 0 STREAMS a b $ 0');
  await writer.run('SET b text');
  await writer.run('DEL b');
  await writer.run('XADD a 1-2 f new');
  expect(await waiting).toBe('*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\nf\r\n$3\r\nnew\r\n');
  expect(await reader.run('XREAD BLOCK 10 STREAMS a $')).toBe('*-1\r\n');
});

test('consumers that wait share what comes, and learn that their group is gone', async () => {
  const { wire, effects } = await startedEngine();
  const [one, two, writer] = [await wire(), await wire(), await wire()];
  await writer.run('XGROUP CREATE s g $ MKSTREAM');
  const first = one.run('XREADGROUP GROUP g one BLOCK 0 STREAMS s >');
  await writer.run('PING');
  const second = two.run('XREADGROUP GROUP g two BLOCK 0 STREAMS s >');
  await writer.run('PING');
  await writer.run('XADD s 1-1 f v');
  expect(await first).toContain('1-1');
  await writer.run('XADD s 1-2 f v');
  expect(await second).toContain('1-2');
  expect(await writer.run('XPENDING s g')).toBe(
    '*4\r\n:2\r\n$3\r\n1-1\r\n$3\r\n1-2\r\n*2\r\n*2\r\n$3\r\none\r\n$1\r\n1\r\n*2\r\n$3\r\ntwo\r\n$1\r\n1\r\n',
  );
  const names = effects.map(({ args }) => args.slice(0, args[0] === 'XGROUP' ? 2 : 1).join(' '));
  expect(names).toEqual([
    'XGROUP CREATE',
    'XGROUP CREATECONSUMER',
    'XGROUP CREATECONSUMER',
    'XADD',
    'XCLAIM',
    'XGROUP SETID',
    'XADD',
    'XCLAIM',
    'XGROUP SETID',
  ]);
  for (const end of ['XGROUP DESTROY s g', 'DEL s', 'FLUSHALL']) {
    await writer.run('XGROUP CREATE s g $ MKSTREAM');
    const waiting = one.run('XREADGROUP GROUP g one BLOCK 0 STREAMS s >');
    await writer.run('PING');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writer.run(end);
    expect(await waiting, end).toMatch(/^-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP/);
  }
});

test('an entry of a large stream is found in logarithmic time', () => {
  const stream = new StreamValue();
  for (let i = 0; i < 300_000; i++) stream.append(streamId(i, 1), ['field', `value ${i}`], 0, DEFAULT_LIMITS);
  expect(stream.blocks.length).toBe(3000);
  const started = process.cpuUsage();
  let found = 0;
  for (let i = 0; i < 20_000; i++) if (stream.get(streamId(i * 15, 1)) !== undefined) found++;
  expect(found).toBe(20_000);
  // A search block by block would look at 1500 blocks each time and take far longer.
  expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
});
