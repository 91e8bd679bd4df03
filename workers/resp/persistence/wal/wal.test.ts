import { truncateSync } from 'node:fs';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { Node } from '../../keyspace/node.ts';
import { nodeOf, plainNode } from '../testing/keyspaces.ts';
import {
  copyOf,
  engine,
  filesOf,
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

vi.setConfig({ testTimeout: 90_000 });
afterEach(removeFolders);

const firstSegment = (dir: string): string => segmentFile(dir, 0);

describe('recovery', () => {
  test('gives back all types and databases, of every node, in order', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const nodes = [await serve(wal, 'a'), await serve(wal, 'b', 'everysec')];
    for (const [i, node] of nodes.entries()) {
      const lines = [
        `SET s ${i}`, 'APPEND s more', 'RPUSH l 1 2 3', 'LPOP l', 'SADD set x y', 'SREM set x', 'HSET h f 1', 'HINCRBY h f 41',
        'ZADD z 1.5 m', 'SET gone 1', 'DEL gone', 'SET t 1 PX 100000', 'SELECT 3', 'INCR n',
      ]; // prettier-ignore
      for (const line of lines) await run(node, line);
      await engine.execute(node, ['SET', 'ü\u0000\r\n', '\u00ff'], 3);
    }
    const before = nodes.map(plainNode);
    await wal.close();
    const again = await openLog(dir);
    expect(again.report).toMatchObject({ cut: undefined, damage: undefined, staleRecords: 0 });
    expect(again.nodes().sort()).toEqual(['a', 'b']);
    expect([plainNode(await serve(again, 'a')), plainNode(await serve(again, 'b'))]).toEqual(before);
    await again.close();
  });

  test('goes on where it was, over many restarts, and nothing expires while it is replayed', async () => {
    const dir = newFolder();
    for (let round = 0; round < 5; round++) {
      const wal = await openLog(dir);
      const node = await serve(wal, 'a');
      expect(await run(node, 'GET n')).toBe(round === 0 ? null : String(round));
      await run(node, 'INCR n');
      if (round === 0) {
        // In one turn, so that it has not expired before the PERSIST; when it is replayed its time is long over.
        await Promise.all(['SET short 1 PX 50', 'INCRBY short 5', 'PERSIST short'].map((line) => run(node, line)));
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await run(node, 'GET short')).toBe('6');
      await wal.close();
    }
  });

  test('of a thousand small nodes takes well under two seconds, and idle nodes take no file', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const all = Array.from({ length: 1000 }, (_, i) => new Node({ id: `node_${i}` }));
    await wal.openNodes(all.map((node) => ({ node, epoch: 1, durability: 'everysec' })));
    expect(await filesOf(dir)).toEqual([]);
    for (const node of all) for (let i = 0; i < 10; i++) await engine.execute(node, ['SET', `k${i}`, node.id]);
    await wal.close();
    expect(await filesOf(dir)).toHaveLength(1);
    const start = performance.now();
    const again = await openLog(dir);
    const fresh = all.map(({ id }) => new Node({ id }));
    const opened = await again.openNodes(fresh.map((node) => ({ node, epoch: 1, durability: 'everysec' })));
    expect(performance.now() - start).toBeLessThan(2000);
    expect(opened.every((one) => one.ok && one.keys === 10)).toBe(true);
    await again.close();
  });

  test('of a node without durability gives its last base, and nothing is written in between', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a', 'none');
    await run(node, 'SET k 1');
    expect(await filesOf(dir)).toEqual([]);
    await wal.writeBase('a');
    await run(node, 'SET k 2');
    await wal.close();
    expect(await recovered(dir)).toEqual({ k: '1' });
  });

  test('refuses an epoch that has lapsed', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    await run(await serve(wal, 'a', 'always', 7), 'SET k 1');
    await wal.close();
    const again = await openLog(dir);
    await expect(serve(again, 'a', 'always', 6)).rejects.toThrow(/epoch 6 has lapsed/);
    expect(strings(await serve(again, 'a', 'always', 8))).toEqual({ k: '1' });
    await again.close();
  });

  test('of transactions and of commands with several effects is whole or not at all', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a');
    await run(node, 'SET k 0');
    const before = writtenBytes(firstSegment(dir)).length;
    node.journal!.appendBlock([
      { db: 0, args: ['SET', 'x', '1'] },
      { db: 0, args: ['SET', 'y', '1'] },
    ]);
    await new Promise((resolve) => node.journal!.whenDurable(resolve));
    const whole = copyOf(dir);
    await wal.close();
    expect(await recovered(copyOf(whole))).toEqual({ k: '0', x: '1', y: '1' });
    const size = writtenBytes(firstSegment(whole)).length;
    for (let length = before; length < size; length++) {
      const torn = copyOf(whole);
      truncateSync(firstSegment(torn), length);
      expect(await recovered(torn), `cut at ${length}`).toEqual({ k: '0' });
    }
  });
});

describe('the log', () => {
  test('stays small while nodes write on: segments that no node needs are removed', async () => {
    const dir = newFolder();
    const wal = await openLog(dir, { segmentBytes: 4000, nodeBytes: 8000, logBytes: 24_000 });
    const busy = await serve(wal, 'busy');
    const quiet = await serve(wal, 'quiet');
    await run(quiet, 'SET k 1');
    let largest = 0;
    for (let i = 0; i < 1000; i++) {
      await run(busy, `SET key${i % 50} ${'x'.repeat(100)}${i}`);
      largest = Math.max(largest, wal.bytes);
    }
    expect(largest).toBeLessThan(60_000);
    const before = strings(busy);
    await wal.close();
    expect((await filesOf(dir)).length).toBeLessThan(18);
    expect(await recovered(dir, 'busy')).toEqual(before);
    expect(await recovered(dir, 'quiet')).toEqual({ k: '1' });
  });

  test('forgets a dropped node for good', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a');
    await run(node, 'SET k 1');
    await wal.writeBase('a');
    await run(node, 'SET k 2');
    await wal.dropNode('a');
    expect((await filesOf(dir)).filter((name) => name.endsWith('.rdb'))).toEqual([]);
    expect(wal.nodes()).toEqual([]);
    await wal.close();
    const again = await openLog(dir);
    expect(again.nodes()).toEqual([]);
    expect(strings(await serve(again, 'a'))).toEqual({});
    await again.close();
  });

  test('lets an emptied node begin anew after the record that says so is gone', async () => {
    const dir = newFolder();
    const small = { segmentBytes: 500, nodeBytes: 1000, logBytes: 1000 };
    let wal = await openLog(dir, small);
    await run(await serve(wal, 'a'), 'SET k 1');
    await run(await serve(wal, 'b'), 'SET k 1');
    await wal.closeNode('a', { base: false });
    const a = await serve(wal, 'a');
    await run(a, 'DEL k');
    await wal.writeBase('a');
    await wal.close();
    wal = await openLog(dir, small);
    const [again, b] = [await serve(wal, 'a'), await serve(wal, 'b')];
    for (let i = 0; i < 60; i++) await run(b, `SET k ${'x'.repeat(100)}`);
    await wal.writeBase('b');
    expect(await filesOf(dir)).not.toContain('0000000000000000.wal');
    await run(again, 'SET new 1');
    await wal.close();
    expect(await recovered(dir)).toEqual({ new: '1' });
  });

  test('lets a closed node be opened again, with and without a base', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    let node = await serve(wal, 'a', 'everysec');
    for (const base of [false, true, false]) {
      await run(node, 'INCR n');
      await wal.closeNode('a', { base });
      node = await serve(wal, 'a', 'everysec');
    }
    expect(strings(node)).toEqual({ n: '3' });
    await wal.close();
    expect(await recovered(dir)).toEqual({ n: '3' });
  });

  test('replaces all data of a node at once', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a');
    await run(node, 'SET old 1');
    const content = nodeOf([{ db: 0, key: 'new', value: '1', expireAtMs: undefined }]);
    await wal.replaceNode('a', content, () => engine.replaceKeyspace(node, content));
    expect(strings(node)).toEqual({ new: '1' });
    await run(node, 'SET later 1');
    await wal.close();
    expect(await recovered(dir)).toEqual({ new: '1', later: '1' });
  });

  test('whose disk fails refuses writes, says so to those who wait, and is not tried again', async () => {
    let failing = false;
    const probe = (step: string): void => {
      if (failing && step === 'sync') throw new Error('EIO: i/o error, fdatasync');
    };
    const dir = newFolder();
    const wal = await openLog(dir, { probe });
    const node = await serve(wal, 'a');
    await run(node, 'SET k 1');
    failing = true;
    await expect(run(node, 'SET k 2')).rejects.toThrow(/could not be made durable/);
    failing = false;
    expect(wal.failure).toMatch(/EIO/);
    expect(await run(node, 'SET k 3')).toMatchObject({ error: expect.stringMatching(/^MISCONF/) });
    expect(await run(node, 'GET k')).toBe('2');
    await wal.close();
    expect((await recovered(dir))['k']).toMatch(/1|2/);
  });

  test('waits for room on a full disk, and then has lost nothing', async () => {
    let full = false;
    const probe = (step: string): void => {
      if (full && step === 'write') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    const dir = newFolder();
    const wal = await openLog(dir, { probe });
    const node = await serve(wal, 'a');
    full = true;
    const held = run(node, 'SET k 1');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await run(node, 'SET k 2').catch(String)).toMatchObject({ error: expect.stringMatching(/^MISCONF.*full/) });
    full = false;
    expect(await held).toBe('OK');
    expect(await run(node, 'SET k 3')).toBe('OK');
    await wal.close();
    expect(await recovered(dir)).toEqual({ k: '3' });
  });

  test('acknowledges under always only what is on the disk, whatever the machine loses', async () => {
    const dir = newFolder();
    let disk = copyOf(dir);
    const wal = await openLog(dir, {
      segmentBytes: 2000,
      probe: (step) => void (step === 'synced' && (disk = copyOf(dir))),
    });
    const nodes = [await serve(wal, 'a'), await serve(wal, 'b', 'everysec')];
    for (let i = 1; i <= 40; i++) {
      const other = run(nodes[1]!, `SET other ${'x'.repeat(i)}`);
      await run(nodes[0]!, `SET n ${i}`);
      expect(await recovered(copyOf(disk)), `write ${i}`).toEqual({ n: String(i) });
      await other;
    }
    await wal.close();
  });

  test('syncs once for all that is written in a tick', async () => {
    let syncs = 0;
    const dir = newFolder();
    const wal = await openLog(dir, { probe: (step) => void (step === 'sync' && syncs++) });
    const nodes = await Promise.all(['a', 'b', 'c'].map((id) => serve(wal, id)));
    await Promise.all(Array.from({ length: 300 }, (_, i) => run(nodes[i % 3]!, `SET k${i} 1`)));
    expect(syncs).toBeLessThan(4);
    await wal.close();
  });

  test('syncs what everysec nodes wrote within a second, without being asked', async () => {
    let synced = 0;
    const wal = await openLog(newFolder(), {
      probe: (step) => void (step === 'synced' && (synced = performance.now())),
    });
    const node = await serve(wal, 'a', 'everysec');
    const start = performance.now();
    await run(node, 'SET k 1');
    expect(synced).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(synced - start).toBeLessThan(1050);
    expect(synced).toBeGreaterThan(0);
    await wal.close();
  });
});
