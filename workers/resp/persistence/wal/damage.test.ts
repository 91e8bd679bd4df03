import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { afterEach, describe, expect, test } from 'vitest';

import { Node } from '../../keyspace/node.ts';
import { nodeOf } from '../testing/keyspaces.ts';
import {
  copyOf,
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

afterEach(removeFolders);

const firstSegment = (dir: string): string => segmentFile(dir, 0);

describe('a torn end', () => {
  test('is cut to the last whole record, wherever it tore, and reported', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a');
    await run(node, 'SET k 1');
    const before = writtenBytes(firstSegment(dir)).length;
    await run(node, 'SET k second');
    const killed = copyOf(dir);
    await wal.close();
    const bytes = writtenBytes(firstSegment(killed));
    for (let length = before + 1; length < bytes.length; length++) {
      for (const room of [0, 1000]) {
        const torn = copyOf(killed);
        writeFileSync(firstSegment(torn), Buffer.concat([bytes.subarray(0, length), Buffer.alloc(room)]));
        const left = writtenBytes(firstSegment(torn)).length;
        const again = await openLog(torn);
        const { cut } = again.report;
        if (cut !== undefined) expect(cut).toMatchObject({ file: firstSegment(torn), bytes: left - cut.offset });
        expect(strings(await serve(again, 'a'))).toEqual({ k: '1' });
        await run(await reopened(again, 'a'), 'SET after 1');
        await again.close();
        expect(await recovered(torn)).toEqual({ k: '1', after: '1' });
      }
    }
    // Garbage where the last record was is as good as its absence.
    for (let at = before + 21; at < bytes.length; at++) {
      const torn = copyOf(killed);
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x41;
      writeFileSync(firstSegment(torn), damaged);
      expect(await recovered(torn), `byte ${at}`).toEqual({ k: '1' });
    }
  });

  async function reopened(wal: Awaited<ReturnType<typeof openLog>>, id: string) {
    await wal.closeNode(id, { base: false });
    return serve(wal, id);
  }

  test('with a block the disk never wrote, and later ones it did, is cut as well', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a', 'everysec');
    for (let i = 0; i < 300; i++) await run(node, `SET key${i} ${'x'.repeat(50)}`);
    await expect.poll(() => writtenBytes(firstSegment(dir)).length).toBeGreaterThan(18_000);
    const killed = copyOf(dir);
    await wal.close();
    const bytes = readFileSync(firstSegment(killed));
    bytes.fill(0, 8192, 12_288);
    writeFileSync(firstSegment(killed), bytes);
    const again = await openLog(killed);
    expect(again.report.cut!.bytes).toBeGreaterThan(4096);
    const keys = Object.keys(strings(await serve(again, 'a'))).length;
    expect(keys).toBeGreaterThan(20);
    expect(keys).toBeLessThan(150);
    await again.close();
  });
});

describe('room behind the last record', () => {
  test('is the end of the log and no damage, and is gone after the next start', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const node = await serve(wal, 'a');
    for (let i = 0; i < 100; i++) await run(node, 'INCR n');
    const killed = copyOf(dir);
    await wal.close();
    expect(statSync(firstSegment(killed)).size).toBeGreaterThan(200_000);
    expect(statSync(firstSegment(dir)).size).toBeLessThan(20_000);
    const again = await openLog(killed);
    expect(again.report).toMatchObject({ cut: undefined, damage: undefined });
    expect(again.report.bytes).toBeLessThan(20_000);
    expect(statSync(firstSegment(killed)).size).toBe(writtenBytes(firstSegment(killed)).length);
    await run(await serve(again, 'a'), 'INCR n');
    await again.close();
    expect(await recovered(killed)).toEqual({ n: '101' });
  });

  test('may be left in a segment that has a next one', async () => {
    const dir = newFolder();
    const wal = await openLog(dir, { segmentBytes: 300 });
    const node = await serve(wal, 'a');
    for (let i = 0; i < 20; i++) await run(node, 'INCR n');
    await wal.close();
    appendFileSync(firstSegment(dir), Buffer.alloc(5000));
    const again = await openLog(dir);
    expect(again.report).toMatchObject({ cut: undefined, damage: undefined, failed: new Map() });
    expect(strings(await serve(again, 'a'))).toEqual({ n: '20' });
    await again.close();
  });
});

test('a log in the form of another version is refused, with what to do', async () => {
  const dir = newFolder();
  const wal = await openLog(dir);
  await run(await serve(wal, 'a'), 'SET k 1');
  await wal.close();
  const bytes = readFileSync(firstSegment(dir));
  bytes[7] = 1;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 14)), 14);
  writeFileSync(firstSegment(dir), bytes);
  await expect(openLog(dir)).rejects.toThrow(/is of version 1 of the write-ahead log.*begin with an empty home/);
  expect(readFileSync(firstSegment(dir))).toEqual(bytes);
});

describe('damage in the middle', () => {
  async function threeNodes(): Promise<{ dir: string; from: number; to: number }> {
    const dir = newFolder();
    const wal = await openLog(dir);
    const [a, b, c] = [await serve(wal, 'a'), await serve(wal, 'b'), await serve(wal, 'c')];
    for (const node of [a, b, c]) await run(node, 'SET k 1');
    const from = writtenBytes(firstSegment(dir)).length;
    await run(a, 'SET k damaged');
    const to = writtenBytes(firstSegment(dir)).length;
    for (const node of [a, b]) await run(node, 'SET later 1');
    await wal.close();
    return { dir, from, to };
  }

  test('is named by file and offset, whichever byte it is; only nodes it can not have hit start', async () => {
    const { dir, from, to } = await threeNodes();
    const bytes = readFileSync(firstSegment(dir));
    for (let at = from + 21; at < to; at++) {
      const copy = copyOf(dir);
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      writeFileSync(firstSegment(copy), damaged);
      const wal = await openLog(copy);
      expect(wal.report.damage).toMatchObject({ file: firstSegment(copy), offset: from + 21 });
      await expect(serve(wal, 'a')).rejects.toThrow(/can't be recovered: .*missing/);
      // b goes on over the damaged place without a gap; c says nothing after it, and d may have been in it.
      expect(strings(await serve(wal, 'b'))).toEqual({ k: '1', later: '1' });
      await expect(serve(wal, 'c')).rejects.toThrow(/can't be proven/);
      await expect(serve(wal, 'd')).rejects.toThrow(/can't be proven/);
      await wal.close();
    }
  });

  test('does not keep nodes from beginning anew', async () => {
    const { dir, from } = await threeNodes();
    const bytes = readFileSync(firstSegment(dir));
    bytes[from + 40]! ^= 1;
    writeFileSync(firstSegment(dir), bytes);
    const wal = await openLog(dir);
    const [a, d] = [new Node({ id: 'a' }), new Node({ id: 'd' })];
    for (const node of [a, d]) await wal.openNode({ node, epoch: 1, durability: 'always', fresh: true });
    await wal.replaceNode('a', nodeOf([{ db: 0, key: 'restored', value: '1', expireAtMs: undefined }]), () => {});
    await wal.close();
    expect(await recovered(dir, 'a')).toEqual({ restored: '1' });
    expect(await recovered(dir, 'd')).toEqual({});
  });

  test('of a header, or a segment that is missing, is refused as a whole', async () => {
    const dir = newFolder();
    const wal = await openLog(dir, { segmentBytes: 200 });
    const node = await serve(wal, 'a');
    for (let i = 0; i < 20; i++) await run(node, `SET key${i} value`);
    await wal.close();
    const segments = (await filesOf(dir)).filter((name) => name.endsWith('.wal'));
    expect(segments.length).toBeGreaterThan(3);
    const withoutOne = copyOf(dir);
    truncateSync(join(withoutOne, segments[1]!), 0);
    await expect(openLog(withoutOne)).rejects.toThrow(/damaged: .*header/);
    const cut = copyOf(dir);
    truncateSync(join(cut, segments[1]!), statSync(join(cut, segments[1]!)).size - 5);
    const damaged = await openLog(cut);
    expect(damaged.report.damage).toMatchObject({ file: join(cut, segments[1]!) });
    await expect(serve(damaged, 'a')).rejects.toThrow(/can't be recovered/);
    await damaged.close();
  });

  test('of a base is found, and other nodes start', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    for (const id of ['a', 'b']) await run(await serve(wal, id), 'SET k 1');
    await wal.writeBase('a');
    await wal.close();
    const base = (await filesOf(dir)).find((name) => name.startsWith('a@'))!;
    const file = join(dir, 'bases', base);
    const bytes = readFileSync(file);
    bytes[bytes.length - 12]! ^= 1;
    writeFileSync(file, bytes);
    await expect(recovered(dir, 'a')).rejects.toThrow(new RegExp(`can't be recovered: .*${base}.*byte`));
    expect(await recovered(dir, 'b')).toEqual({ k: '1' });
  });
});
