import type { Node } from '../../keyspace/node.ts';
import type { Value } from '../../keyspace/value.ts';
import type { OpenCollection, SnapshotForm, SnapshotKeys } from '../snapshot-form.ts';
import { crc64, updateCrc64 } from './crc64.ts';
import { AUX_ACL_USER, OPCODE, RDB_VERSION } from './format.ts';
import { RdbOutput } from './output.ts';
import { elementsOf, typeByte, writeBody, writeBodySliced } from './write-value.ts';

/** How many bytes are summed up between two looks at the clock. */
const SLICE_BYTES = 32_768;

/** A part of an RDB file: keys, with the database they belong to before them. */
class RdbKeys implements SnapshotKeys {
  readonly out: RdbOutput;
  private db = -1;

  /** `compresses`: long strings are written in LZF's form where that is shorter. */
  constructor(compresses = false) {
    this.out = new RdbOutput(compresses);
  }

  /** Helps whoever loads the file to make room. */
  announce(db: number, keys: number, expiries: number): void {
    this.select(db);
    this.out.byte(OPCODE.resizeDb);
    this.out.size(keys);
    this.out.size(expiries);
  }

  entry(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    this.entryHead(db, key, value, expireAtMs);
    writeBody(this.out, value);
  }

  *entrySliced(db: number, key: string, value: Value, expireAtMs: number | undefined): Generator<void> {
    this.entryHead(db, key, value, expireAtMs);
    yield* writeBodySliced(this.out, value);
  }

  open(db: number, key: string, value: Value, expireAtMs: number | undefined): OpenCollection {
    const { out } = this;
    this.entryHead(db, key, value, expireAtMs);
    out.size(elementsOf(value));
    return {
      add(element, second) {
        out.string(element);
        if (typeof second === 'number') out.double(second);
        else if (second !== undefined) out.string(second);
      },
      end() {},
    };
  }

  forgetSelection(): void {
    this.db = -1;
  }

  private select(db: number): void {
    if (this.db === db) return;
    this.db = db;
    this.out.byte(OPCODE.selectDb);
    this.out.size(db);
  }

  /** Writes what stands before a value. */
  private entryHead(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    this.select(db);
    if (expireAtMs !== undefined) {
      this.out.byte(OPCODE.expireMs);
      this.out.milliseconds(expireAtMs);
    }
    this.out.byte(typeByte(value));
    this.out.string(key);
  }
}

/** How an RDB file is written. */
interface RdbWriting {
  /** True for the base of an append-only log. */
  readonly aofBase?: boolean;
  /** Writes long strings in LZF's form where that is shorter, as `rdbcompression` says. */
  readonly compress?: boolean;
}

/** An RDB file of version 10. */
export function rdbForm({ aofBase = false, compress = false }: RdbWriting = {}): SnapshotForm {
  return {
    keys: () => new RdbKeys(compress),
    header(node) {
      const out = new RdbOutput();
      writeHeader(out, Date.now(), node, aofBase);
      return out.take(true);
    },
    seal: () => new RdbSeal(),
  };
}

/** The beginning of an RDB file: its version, remarks for people, and the node's ACL users and function libraries. */
function writeHeader(out: RdbOutput, nowMs: number, { aclUsers, libraries }: Node, aofBase: boolean): void {
  out.raw(`REDIS${String(RDB_VERSION).padStart(4, '0')}`);
  const remarks = [
    ['redis-ver', '7.2.0'],
    ['redis-bits', '64'],
    ['ctime', String(Math.floor(nowMs / 1000))],
    ['used-mem', '0'],
    ['aof-base', aofBase ? '1' : '0'],
    ...Array.from(aclUsers ?? [], ([name, rules]) => [AUX_ACL_USER, `${name} ${rules}`] as const),
  ] as const;
  for (const [name, value] of remarks) {
    out.byte(OPCODE.aux);
    out.string(name);
    out.string(value);
  }
  writeLibraries(out, libraries?.values() ?? []);
}

/** Writes function libraries: their code. */
export function writeLibraries(out: RdbOutput, codes: Iterable<string>): void {
  for (const code of codes) {
    out.byte(OPCODE.function2);
    out.string(code);
  }
}

/** Sums up the chunks of a file as they go out, and ends it. */
class RdbSeal {
  private readonly crc = crc64();

  *add(chunk: Buffer): Generator<void> {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      updateCrc64(this.crc, chunk, at, Math.min(chunk.length, at + SLICE_BYTES));
      yield;
    }
  }

  /** The end of the file: the end mark and the checksum. */
  end(): Buffer {
    const end = Buffer.alloc(9);
    end[0] = OPCODE.end;
    updateCrc64(this.crc, end, 0, 1);
    end.writeUInt32LE(this.crc.low, 1);
    end.writeUInt32LE(this.crc.high, 5);
    return end;
  }
}
