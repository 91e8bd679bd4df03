import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWire } from '../conformance/wire.ts';
import type { Engine } from '../engine-api.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { engine as replaying, newFolder, openLog, removeFolders, serve } from '../persistence/testing/wal-lab.ts';

const MIB = 2 ** 20;
const UNIT = 'a value of many parts, all of which differ \u0000\r\n\u00ff';

/** A value of so many bytes, none of whose chunks is like another. */
function text(bytes: number, seed: number): string {
  const all = Buffer.alloc(bytes, UNIT, 'latin1');
  for (let at = seed % 7; at + 4 < bytes; at += 1000) all.writeUInt32LE(((at + 1) * (seed + 1)) >>> 0, at);
  return all.toString('latin1');
}

const bulk = (value: string): string => `$${value.length}\r\n${value}\r\n`;

describe('values that come in chunks', () => {
  const node = new Node({ id: 'n' });
  let engine: Engine;
  let port = 0;
  beforeAll(async () => {
    engine = createEngine({ codec: rdbCodec, defaultNode: node });
    port = await engine.listen({ port: 0 });
  });
  afterAll(async () => {
    await engine.close();
    removeFolders();
  });

  /** The replies to some requests, sent in one go. */
  async function ask(...requests: string[][]): Promise<string[]> {
    const wire = await openWire(port);
    const replies = await wire.batch(requests);
    wire.close();
    return replies;
  }

  /** As `toEqual`, which would print megabytes of difference. */
  const same = (found: readonly string[], wanted: readonly string[]): void => {
    expect(found.map((reply, at) => (reply === wanted[at] ? 'right' : reply.slice(0, 100)))).toEqual(
      wanted.map(() => 'right'),
    );
  };

  test('are given back as they were, whole and in parts', async () => {
    for (const size of [131_071, 131_072, 131_073, 3 * 65_536, MIB, 8 * MIB + 5]) {
      const value = text(size, size);
      const bit = (value.charCodeAt(65_536) >> 5) & 1;
      const replies = await ask(
        ['SET', 'k', value],
        ['STRLEN', 'k'],
        ['GET', 'k'],
        ['GETRANGE', 'k', '65530', '65545'],
        ['GETRANGE', 'k', '1', '-2'],
        ['OBJECT', 'ENCODING', 'k'],
        ['GETBIT', 'k', String(65_536 * 8 + 2)],
        ['MGET', 'k', 'none', 'k'],
      );
      same(replies, [
        '+OK\r\n',
        `:${size}\r\n`,
        bulk(value),
        bulk(value.slice(65_530, 65_546)),
        bulk(value.slice(1, -1)),
        bulk('raw'),
        `:${bit}\r\n`,
        `*3\r\n${bulk(value)}$-1\r\n${bulk(value)}`,
      ]);
    }
  });

  test('are taken by all commands that set', async () => {
    const [a, b, c] = [text(300_000, 1), text(400_000, 2), text(500_000, 3)];
    const replies = await ask(
      ['MSET', 'a', a, 'b', 'short', 'c', c],
      ['GETSET', 'a', b],
      ['SET', 'a', c, 'GET', 'EX', '100'],
      ['SETNX', 'a', b],
      ['SETNX', 'new', b],
      ['SETEX', 'x', '100', a],
      ['PSETEX', 'y', '100000', b],
      ['SET', 'a', b, 'NX', 'GET'],
      ['SET', 'a', b, 'XX', 'KEEPTTL'],
      ['MSETNX', 'p', a, 'q', b],
      ['GETDEL', 'x'],
      ['GETEX', 'y', 'PERSIST'],
      ['MGET', 'a', 'b', 'c', 'new', 'p', 'q', 'x'],
    );
    const all = [b, 'short', c, b, a, b].map(bulk).join('');
    same(replies, [
      '+OK\r\n',
      bulk(a),
      bulk(b),
      ':0\r\n',
      ':1\r\n',
      '+OK\r\n',
      '+OK\r\n',
      bulk(c),
      '+OK\r\n',
      ':1\r\n',
      bulk(a),
      bulk(b),
      `*7\r\n${all}$-1\r\n`,
    ]);
  });

  test('change, move and are copied like others', async () => {
    const [a, b] = [text(700_000, 4), text(300_000, 5)];
    const changed = `${a.slice(0, 100_000)}${b}${a.slice(400_000)}tail`;
    const replies = await ask(
      ['FLUSHALL'],
      ['SET', 'k', a],
      ['COPY', 'k', 'copy'],
      ['SETRANGE', 'k', '100000', b],
      ['APPEND', 'k', 'tail'],
      ['RENAME', 'copy', 'renamed'],
      ['BITOP', 'XOR', 'zeros', 'renamed', 'renamed'],
      ['BITCOUNT', 'zeros'],
      ['MOVE', 'renamed', '1'],
      ['SETBIT', 'k', '8000000', '0'],
      ['GET', 'k'],
      ['SELECT', '1'],
      ['GET', 'renamed'],
      ['EVAL', "return redis.call('GET', 'renamed')", '0'],
      ['MULTI'],
      ['SET', 'queued', b],
      ['GET', 'queued'],
      ['EXEC'],
    );
    same(replies, [
      '+OK\r\n',
      '+OK\r\n',
      ':1\r\n',
      ':700000\r\n',
      ':700004\r\n',
      '+OK\r\n',
      ':700000\r\n',
      ':0\r\n',
      ':1\r\n',
      ':0\r\n',
      bulk(changed + '\0'.repeat(1_000_001 - changed.length)),
      '+OK\r\n',
      bulk(a),
      bulk(a),
      '+OK\r\n',
      '+QUEUED\r\n',
      '+QUEUED\r\n',
      `*2\r\n+OK\r\n${bulk(b)}`,
    ]);
  });

  test('dumped, they are what they were', async () => {
    const value = text(600_000, 6);
    await ask(['SET', 'k', value]);
    const [dumped] = await ask(['DUMP', 'k']);
    const payload = dumped!.slice(dumped!.indexOf('\r\n') + 2, -2);
    const replies = await ask(['RESTORE', 'restored', '0', payload, 'REPLACE'], ['GET', 'restored']);
    same(replies, ['+OK\r\n', bulk(value)]);
  });

  test('readers get what was there when they asked, however often it is overwritten meanwhile', async () => {
    const values = Array.from({ length: 4 }, (_, seed) => text(2 * MIB + seed, seed));
    const rounds = async (client: number): Promise<void> => {
      const wire = await openWire(port);
      for (let round = 0; round < 6; round++) {
        const value = values[(client + round) % 4]!;
        const replies = await wire.batch([
          ['SET', 'shared', value],
          ['GET', 'shared'],
          ['SET', `own:${client}`, value],
          ['GET', 'shared'],
          ['GET', `own:${client}`],
          ['DEL', `own:${client}`],
        ]);
        expect(values.map(bulk).includes(replies[1]!)).toBe(true);
        expect(values.map(bulk).includes(replies[3]!)).toBe(true);
        expect(replies[4] === bulk(value)).toBe(true);
      }
      wire.close();
    };
    await Promise.all([0, 1, 2, 3].map(rounds));
  });

  test('are accounted for', async () => {
    await ask(['FLUSHALL']);
    const before = node.usedBytes;
    await ask(...Array.from({ length: 8 }, (_, n) => ['SET', `k:${n}`, text(MIB, n)]));
    const held = node.usedBytes - before;
    expect(held / (8 * MIB)).toBeGreaterThan(1);
    expect(held / (8 * MIB)).toBeLessThan(1.02);
    await ask(['SET', 'k:0', 'small'], ['DEL', ...Array.from({ length: 8 }, (_, n) => `k:${n}`)]);
    expect(node.usedBytes).toBe(before);
  });

  test('come back from the log, with what came between them', async () => {
    const dir = newFolder();
    const wal = await openLog(dir);
    const logged = await serve(wal, 'logged');
    const served = createEngine({ codec: rdbCodec, defaultNode: logged });
    const wire = await openWire(await served.listen({ port: 0 }));
    const [a, b] = [text(9 * MIB, 7), text(200_000, 8)];
    await wire.batch([
      ['SET', 'before', 'x'],
      ['SET', 'a', a],
      ['SET', 'b', b, 'EX', '1000'],
      ['SETRANGE', 'b', '5', 'small'],
      ['MSET', 'c', b, 'd', 'small', 'e', a],
      ['SET', 'after', 'y'],
    ]);
    wire.close();
    await served.close();
    await wal.close();
    const again = await openLog(dir);
    expect(again.report).toMatchObject({ cut: undefined, damage: undefined });
    const found = await serve(again, 'logged');
    const get = async (key: string): Promise<unknown> => replaying.execute(found, ['GET', key]);
    const wanted = { before: 'x', a, b: `${b.slice(0, 5)}small${b.slice(10)}`, c: b, d: 'small', e: a, after: 'y' };
    for (const [key, value] of Object.entries(wanted)) expect((await get(key)) === value, key).toBe(true);
    await again.close();
  });
});
