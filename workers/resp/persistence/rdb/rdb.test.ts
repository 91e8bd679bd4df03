import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Node } from '../../keyspace/node.ts';
import { loadRdb } from '../load.ts';
import { snapshotRdb } from '../snapshot.ts';
import { chunked, collect, digestOf, entries, hashOf, listOf, nodeOf, plainNode } from '../testing/keyspaces.ts';
import { crc64, updateCrc64 } from './crc64.ts';

const now = Date.now();

async function load(bytes: Buffer, chunk = 65_536) {
  const target = new Node({ id: 'loaded' });
  const loaded = await loadRdb(chunked(bytes, chunk), target, now);
  return { target, loaded };
}

describe('CRC-64', () => {
  test('gives the check value of the Jones polynomial', () => {
    const crc = crc64();
    updateCrc64(crc, Buffer.from('123456789'));
    expect(crc.high.toString(16) + crc.low.toString(16)).toBe('e9c6d914c4b8d9ca');
  });

  test('gives the same whatever the pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const whole = crc64();
        updateCrc64(whole, bytes);
        const parts = crc64();
        updateCrc64(parts, bytes, 0, Math.min(cut, bytes.length));
        updateCrc64(parts, bytes, Math.min(cut, bytes.length));
        expect(parts).toEqual(whole);
      }),
    );
  });
});

describe('an RDB file', () => {
  test('gives back what was written, whatever the chunks it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 5000 }), async (all, chunk) => {
        const node = nodeOf(all);
        const { stream, result } = snapshotRdb(node);
        const bytes = await collect(stream);
        const { target, loaded } = await load(bytes, chunk);
        expect(plainNode(target)).toEqual(plainNode(node));
        const summary = await result;
        expect(summary).toMatchObject({ keys: all.length, digest: digestOf(node), bytes: bytes.length });
        expect(loaded).toMatchObject({ keys: all.length, expiredKeys: 0, digest: summary.digest });
        expect(target.usedBytes).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 150 },
    );
  });

  test('leaves out keys that have expired, and counts them into the digest', async () => {
    const node = nodeOf([
      { db: 0, key: 'stays', value: '1', expireAtMs: now + 60_000 },
      { db: 2, key: 'gone', value: listOf(['a']), expireAtMs: now - 1 },
    ]);
    const { stream, result } = snapshotRdb(node);
    const { target, loaded } = await load(await collect(stream));
    expect(loaded).toMatchObject({ keys: 2, expiredKeys: 1, digest: (await result).digest });
    expect(Object.keys(plainNode(target))).toEqual(['0/stays']);
  });

  test('is refused wherever it is cut', async () => {
    const { stream } = snapshotRdb(nodeOf(sample()));
    const bytes = await collect(stream);
    for (let end = 0; end < bytes.length; end++) {
      await expect(load(bytes.subarray(0, end)), `cut at ${end}`).rejects.toThrow(/RDB data can't be read at byte/);
    }
    await expect(load(Buffer.concat([bytes, Buffer.from('x')]))).rejects.toThrow(/something follows its end/);
  });

  test('is refused whichever bit is flipped', async () => {
    const { stream } = snapshotRdb(nodeOf(sample()));
    const bytes = await collect(stream);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ (1 << (at % 8));
      await expect(load(damaged), `bit flipped at ${at}`).rejects.toThrow(/RDB/);
    }
  });

  test('made of random bytes ends in an error, never in a crash or a hang', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const file = Buffer.concat([Buffer.from('REDIS0010'), bytes]);
        await expect(load(file)).rejects.toThrow(/RDB/);
      }),
      { numRuns: 2000 },
    );
  });

  test('that announces more than it holds is refused without memory being spent', async () => {
    const claims = ['0003616161810000000100000000', '0103616161810000ffffffffffff', '0003616161c303811fffffe8ffff'];
    for (const claim of claims) {
      const file = Buffer.concat([Buffer.from('REDIS0010'), Buffer.from(claim, 'hex')]);
      const before = process.memoryUsage().rss;
      await expect(load(file)).rejects.toThrow(/RDB/);
      expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
    }
  });

  test('of a large collection is read in slices', async () => {
    const node = nodeOf([
      {
        db: 0,
        key: 'h',
        value: hashOf(Array.from({ length: 200_000 }, (_, i) => [`f${i}`, `v${i}`])),
        expireAtMs: undefined,
      },
      { db: 0, key: 'l', value: listOf(Array.from({ length: 200_000 }, (_, i) => `v${i}`)), expireAtMs: undefined },
    ]);
    const bytes = await collect(snapshotRdb(node).stream);
    let turns = 0;
    const others = setInterval(() => turns++, 0);
    const { loaded } = await load(bytes);
    clearInterval(others);
    expect(loaded.digest).toBe(digestOf(node));
    expect(turns).toBeGreaterThan(20);
  });
});

function sample() {
  return [
    { db: 0, key: 'string', value: 'value', expireAtMs: now + 1e9 },
    { db: 0, key: 'number', value: '1234567', expireAtMs: undefined },
    { db: 5, key: 'list', value: listOf(['a', 'b', '3']), expireAtMs: undefined },
    { db: 5, key: 'hash', value: hashOf([['field', 'x'.repeat(70)]]), expireAtMs: undefined },
  ];
}
