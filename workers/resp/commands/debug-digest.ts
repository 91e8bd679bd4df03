import { createHash } from 'node:crypto';
import type { Database } from '../keyspace/database.ts';
import type { Node } from '../keyspace/node.ts';
import { entriesIn } from '../keyspace/stream-entries.ts';
import { formatId } from '../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../keyspace/stream-record.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { textOf } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import { printG } from '../scripting/numbers.ts';

/*
 * DEBUG DIGEST as Redis computes it (debug.c), so that two servers of either kind with the same data give the same digest:
 * what has no order is added by exclusive or, what has one by hashing the digest again after each part.
 */

const LENGTH = 20;
/** Redis's numbers for its types; a digest begins with one, big-endian. */
const TYPE_NUMBER = { string: 0, list: 1, set: 2, zset: 3, hash: 4, stream: 6 } as const;

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest();
}

function xorInto(digest: Buffer, part: string | Buffer): void {
  const hashed = sha1(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  for (let i = 0; i < LENGTH; i++) digest[i] = digest[i]! ^ hashed[i]!;
}

function mixInto(digest: Buffer, part: string | Buffer): void {
  xorInto(digest, part);
  sha1(digest).copy(digest);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A pair whose place among others means nothing. */
function addPair(digest: Buffer, first: string, second: string): void {
  const pair = Buffer.alloc(LENGTH);
  mixInto(pair, first);
  mixInto(pair, second);
  xorInto(digest, pair);
}

function addValue(digest: Buffer, value: Value, expires: boolean): void {
  const kind = typeof value === 'string' ? 'string' : value.kind;
  mixInto(digest, bigEndian(TYPE_NUMBER[kind]));
  if (typeof value === 'string') mixInto(digest, value);
  else {
    switch (value.kind) {
      case 'string':
        mixInto(digest, textOf(value));
        break;
      case 'list':
        value.forEach((element) => mixInto(digest, element));
        break;
      case 'set':
        value.forEach((member) => xorInto(digest, member));
        break;
      case 'zset':
        value.forEach((score, member) => addPair(digest, member, printG(score, 17)));
        break;
      case 'hash':
        value.forEach((text, field) => addPair(digest, field, text));
        break;
      case 'stream':
        addEntries(digest, value);
    }
  }
  if (expires) xorInto(digest, '!!expire!!');
}

function addEntries(digest: Buffer, stream: StreamValue): void {
  for (const { entries } of stream.blocks) {
    for (const record of entriesIn(entries)) {
      mixInto(digest, formatId(idOfRecord(record)).replace('-', '.'));
      for (const word of wordsOf(record)) mixInto(digest, word);
    }
  }
}

/** The digest of the value of a key, in hex; zeros when there is none. A key that should have expired still counts. */
export function valueDigest(db: Database, key: string): string {
  const digest = Buffer.alloc(LENGTH);
  const value = db.entries.get(key);
  if (value !== undefined) addValue(digest, value, db.expiryOf(key) !== undefined);
  return digest.toString('hex');
}

/** The digest of everything a node holds, in hex. */
export function nodeDigest(node: Node): string {
  const whole = Buffer.alloc(LENGTH);
  for (const db of node.databases) {
    if (db === undefined || db.size === 0) continue;
    mixInto(whole, bigEndian(db.index));
    db.entries.forEach((value, key) => {
      const digest = Buffer.alloc(LENGTH);
      mixInto(digest, key);
      addValue(digest, value, db.expiryOf(key) !== undefined);
      xorInto(whole, digest);
    });
  }
  return whole.toString('hex');
}
