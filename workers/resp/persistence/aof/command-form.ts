import { atOnce } from '../../keyspace/steps.ts';
import type { Node } from '../../keyspace/node.ts';
import type { StringValue, Value } from '../../keyspace/value.ts';
import { formatDouble } from '../../protocol/numbers.ts';
import type { OpenCollection, SnapshotForm, SnapshotKeys } from '../snapshot-form.ts';
import { isLarge, visitSliced } from '../rdb/write-value.ts';
import { CommandBuffer } from './command-buffer.ts';
import { streamCommands } from './stream-commands.ts';

/** How many elements of a collection a command has, as in Redis. */
const ITEMS = 64;
/** How many elements are taken between two looks at the clock. */
const SLICE = 512;
const CHUNK_BYTES = 32_768;
/** How much of a long string is written between two looks at the clock. */
const PART_BYTES = 65_536;
/** By kind, the command that adds elements. */
const ADDING = { list: 'RPUSH', set: 'SADD', hash: 'HMSET', zset: 'ZADD' } as const;

/** The base of an append-only log as Redis writes it with `aof-use-rdb-preamble no`: commands that make all there is. */
export const commandForm: SnapshotForm = {
  keys: () => new CommandKeys(),
  header(node) {
    const out = new CommandChunks();
    writeBesides(out, node);
    return out.take(true);
  },
  seal: () => ({ add: () => [], end: () => Buffer.alloc(0) }),
};

/** What a node has beside its keys: functions, and users as the journal has them. */
function writeBesides(out: CommandChunks, { libraries, aclUsers }: Node): void {
  for (const code of libraries?.values() ?? []) out.command(['FUNCTION', 'LOAD', code]);
  for (const [name, rules] of aclUsers ?? []) out.command(['ACL', 'SETUSER', name, 'reset', ...rules.split(' ')]);
}

/** Commands that gather until they are taken. */
class CommandChunks {
  private readonly gathering = new CommandBuffer();
  private full: Buffer[] = [];

  take(all = false): Buffer[] {
    if (all || this.gathering.length >= CHUNK_BYTES) this.retire();
    const taken = this.full;
    this.full = [];
    return taken;
  }

  append(chunks: readonly Buffer[]): void {
    this.retire();
    this.full.push(...chunks);
  }

  command(args: readonly string[]): void {
    this.gathering.command(args);
  }

  /** A SET of a long string, in parts. */
  *longSet(key: string, value: StringValue): Generator<void> {
    this.gathering.set(key, value.length);
    for (let at = 0; at < value.length; at += PART_BYTES) {
      const end = Math.min(at + PART_BYTES, value.length);
      this.gathering.part(typeof value === 'string' ? value.slice(at, end) : value.slice(at, end).toString('latin1'));
      this.retire();
      yield;
    }
    this.gathering.line('');
  }

  private retire(): void {
    if (this.gathering.length === 0) return;
    this.full.push(Buffer.from(this.gathering.view()));
    this.gathering.reset();
  }
}

class CommandKeys implements SnapshotKeys {
  readonly out = new CommandChunks();
  private db = -1;

  /** Commands make room by themselves. */
  announce(): void {}

  entry(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    atOnce(this.entrySliced(db, key, value, expireAtMs));
  }

  *entrySliced(db: number, key: string, value: Value, expireAtMs: number | undefined): Generator<void> {
    this.select(db);
    const { out } = this;
    if (typeof value === 'string' || value.kind === 'string') {
      if (isLarge(value)) yield* out.longSet(key, value);
      else out.command(['SET', key, typeof value === 'string' ? value : value.toString()]);
    } else if (value.kind === 'stream') {
      let count = 0;
      for (const command of streamCommands(key, value)) {
        out.command(command);
        if (++count % SLICE === 0) yield;
      }
    } else {
      const collection = this.open(db, key, value, expireAtMs);
      yield* visitSliced(value, SLICE, (element, second) => collection.add(element, second));
      collection.end();
      return;
    }
    this.expire(key, expireAtMs);
  }

  open(db: number, key: string, value: Value, expireAtMs: number | undefined): OpenCollection {
    if (typeof value === 'string' || value.kind === 'string' || value.kind === 'stream')
      throw new Error(`A ${typeof value === 'string' ? 'string' : value.kind} has no elements to be added one by one.`);
    const name = ADDING[value.kind];
    const { out } = this;
    let words: string[] = [];
    let items = 0;
    this.select(db);
    const flush = (): void => {
      if (items > 0) out.command([name, key, ...words]);
      words = [];
      items = 0;
    };
    return {
      add(element, second) {
        if (typeof second === 'number') words.push(formatDouble(second), element);
        else if (second === undefined) words.push(element);
        else words.push(element, second);
        if (++items === ITEMS) flush();
      },
      end: () => {
        flush();
        this.expire(key, expireAtMs);
      },
    };
  }

  forgetSelection(): void {
    this.db = -1;
  }

  private expire(key: string, expireAtMs: number | undefined): void {
    if (expireAtMs !== undefined) this.out.command(['PEXPIREAT', key, String(Math.trunc(expireAtMs))]);
  }

  private select(db: number): void {
    if (this.db === db) return;
    this.db = db;
    this.out.command(['SELECT', String(db)]);
  }
}
