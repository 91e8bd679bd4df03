/**
 * The storage behind the test server: EventStoreDB's transaction log, in memory. It answers as the real one does
 * (`IndexWriter.CheckCommit` and `AllReader` in its source): revisions, expected versions, idempotent repeats, positions that are
 * offsets of records and no numbers in a row, deleted and truncated streams.
 */

/** What a writer says the stream must be: an exact revision, or one of these words. */
export type Expected = bigint | 'any' | 'no-stream' | 'exists';

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** A record as it lies in the log. */
export interface LogRecord extends Proposed {
  /** Where it begins: commit and prepare position at once, for every record that commits itself. */
  readonly position: bigint;
  /** Where the next one begins. */
  readonly end: bigint;
  readonly stream: string;
  readonly revision: bigint;
  readonly created: Date;
}

export type WriteResult =
  | { readonly kind: 'written'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong-version'; readonly current: bigint | null }
  | { readonly kind: 'deleted' };

type StreamState = 'there' | 'not-found' | 'deleted';

interface StreamPage {
  readonly state: StreamState;
  readonly records: readonly LogRecord[];
}

interface Stream {
  readonly records: LogRecord[];
  readonly revisions: Map<string, bigint>;
  tombstoned: boolean;
}

/** The parts of a stream's metadata that change what a reader sees. */
interface Retention {
  /** `$tb`: revisions below it are gone. */
  readonly truncateBefore: bigint;
  /** `$maxCount` */
  readonly maxCount: bigint | null;
  /** `$maxAge`, in seconds */
  readonly maxAge: number | null;
}

/** `$tb` of a stream that is soft-deleted: the largest revision there can be. */
const softDeleted = 2n ** 63n - 1n;
const bytesOfRecordBesideItsContent = 96;

export interface Journal {
  append(stream: string, expected: Expected, events: readonly Proposed[]): WriteResult;
  softDelete(stream: string, expected: Expected): WriteResult;
  tombstone(stream: string, expected: Expected): WriteResult;
  /** Records of one stream from a revision on (`start` and `end` are the first and the last one), retention applied. */
  readStream(stream: string, from: bigint | 'start' | 'end', backwards: boolean, count: number): StreamPage;
  /** The index in `all` to begin at: records at or after a position, or before it; null where no record begins there. */
  seek(position: bigint | 'start' | 'end', backwards: boolean): number | null;
  /** Every record there is, in the order of positions. */
  readonly all: readonly LogRecord[];
  /** Calls back after every write, until the returned function is called. */
  onWrite(listener: () => void): () => void;
  /** Whether a record is visible in `$all` and in its stream: not truncated, not aged, not in a deleted stream. */
  isVisible(record: LogRecord): boolean;
}

export function openJournal(now: () => Date = () => new Date()): Journal {
  const all: LogRecord[] = [];
  const streams = new Map<string, Stream>();
  const listeners = new Set<() => void>();
  let end = 0n;

  function streamOf(name: string): Stream {
    const stream = streams.get(name) ?? { records: [], revisions: new Map<string, bigint>(), tombstoned: false };
    streams.set(name, stream);
    return stream;
  }

  function write(name: string, events: readonly Proposed[]): WriteResult {
    const stream = streamOf(name);
    const created = now();
    for (const event of events) {
      const size =
        bytesOfRecordBesideItsContent + name.length + event.type.length + event.data.length + event.metadata.length;
      const revision = BigInt(stream.records.length);
      const record = { ...event, stream: name, revision, created, position: end, end: end + BigInt(size) };
      ({ end } = record);
      all.push(record);
      stream.records.push(record);
      stream.revisions.set(event.id, revision);
    }
    for (const listener of listeners) listener();
    const last = stream.records.at(-1);
    return { kind: 'written', revision: last?.revision ?? -1n, position: last?.position ?? end };
  }

  function check(name: string, expected: Expected, ids: readonly string[]): WriteResult | 'ok' {
    const stream = streamOf(name);
    if (stream.tombstoned) return { kind: 'deleted' };
    const current = BigInt(stream.records.length) - 1n;
    const wrong: WriteResult = { kind: 'wrong-version', current: current < 0n ? null : current };
    const gone = retentionOf(name).truncateBefore === softDeleted;
    if (expected === 'exists' && (current < 0n || gone)) return wrong;
    if (expected === 'any' || expected === 'exists') return repeatAnywhere(stream, ids) ?? 'ok';
    const exact = expected === 'no-stream' ? -1n : expected;
    if (exact > current) return wrong;
    if (exact === current) return 'ok';
    const repeated = repeatAt(stream, exact + 1n, ids);
    if (repeated !== null) return repeated;
    return expected === 'no-stream' && gone ? 'ok' : wrong;
  }

  /** The strong check: these very events stand where they were to be written. */
  function repeatAt({ records }: Stream, revision: bigint, ids: readonly string[]): WriteResult | null {
    if (ids.length === 0) return null;
    const there = records.slice(Number(revision), Number(revision) + ids.length);
    if (there.length < ids.length || there.some(({ id }, n) => id !== ids[n])) return null;
    return repeat(there.at(-1));
  }

  /** The weak check, where nothing says at which revisions to look. */
  function repeatAnywhere({ records, revisions }: Stream, ids: readonly string[]): WriteResult | null {
    const found = ids.map((id) => revisions.get(id));
    if (found.length === 0 || found[0] === undefined) return null;
    if (found.includes(undefined)) return { kind: 'wrong-version', current: BigInt(records.length) - 1n };
    return repeat(records[Number(found.at(-1))]);
  }

  function repeat(record: LogRecord | undefined): WriteResult | null {
    return record === undefined ? null : { kind: 'written', revision: record.revision, position: record.position };
  }

  function retentionOf(name: string): Retention {
    const nothing = { truncateBefore: 0n, maxCount: null, maxAge: null };
    const last = name.startsWith('$$') ? undefined : streams.get(`$$${name}`)?.records.at(-1);
    if (last === undefined) return nothing;
    // JSON's numbers have no 64 bits, and `$tb` of a deleted stream needs them all.
    const text = Buffer.from(last.data)
      .toString('utf8')
      .replace(/"\$tb"\s*:\s*(\d+)/, '"$tb":"$1"');
    const parsed = JSON.parse(text) as { $tb?: string; $maxCount?: number; $maxAge?: number };
    return {
      truncateBefore: BigInt(parsed.$tb ?? 0),
      maxCount: parsed.$maxCount === undefined ? null : BigInt(parsed.$maxCount),
      maxAge: parsed.$maxAge ?? null,
    };
  }

  function kept(name: string, records: readonly LogRecord[]): readonly LogRecord[] {
    const { truncateBefore, maxCount, maxAge } = retentionOf(name);
    const first = maxCount === null ? 0n : BigInt(records.length) - maxCount;
    const oldest = maxAge === null ? -Infinity : now().getTime() - maxAge * 1000;
    if (truncateBefore === 0n && first <= 0n && maxAge === null) return records;
    return records.filter(
      ({ revision, created }) => revision >= truncateBefore && revision >= first && created.getTime() >= oldest,
    );
  }

  function setTruncation(name: string, before: bigint): WriteResult {
    const data = Buffer.from(`{"$tb":${before}}`);
    return write(`$$${name}`, [
      { id: crypto.randomUUID(), type: '$metadata', isJson: true, data, metadata: new Uint8Array() },
    ]);
  }

  // The real one's first records are its own, too, so no event of a user is ever at position 0.
  write('$epoch-information', [
    {
      id: crypto.randomUUID(),
      type: '$epoch-information',
      isJson: true,
      data: Buffer.from('{}'),
      metadata: new Uint8Array(),
    },
  ]);

  return {
    all,
    append(name, expected, events) {
      const checked = check(
        name,
        expected,
        events.map(({ id }) => id),
      );
      if (checked !== 'ok') return checked;
      // Who writes to a soft-deleted stream brings it back; what was in it before stays gone.
      const gone = retentionOf(name).truncateBefore === softDeleted;
      if (gone) setTruncation(name, BigInt(streamOf(name).records.length));
      return write(name, events);
    },
    softDelete(name, expected) {
      const checked = check(name, expected, []);
      return checked === 'ok' ? setTruncation(name, softDeleted) : checked;
    },
    tombstone(name, expected) {
      const checked = check(name, expected, []);
      if (checked !== 'ok') return checked;
      const empty = new Uint8Array();
      const written = write(name, [
        { id: crypto.randomUUID(), type: '$streamDeleted', isJson: false, data: empty, metadata: empty },
      ]);
      streamOf(name).tombstoned = true;
      return written;
    },
    readStream(name, from, backwards, count) {
      const stream = streams.get(name);
      if (stream === undefined || stream.records.length === 0) return { state: 'not-found', records: [] };
      if (stream.tombstoned) return { state: 'deleted', records: [] };
      const records = kept(name, stream.records);
      if (records.length === 0) return { state: 'not-found', records };
      if (backwards) {
        const upTo =
          from === 'end' ? records : from === 'start' ? records.slice(0, 1) : records.filter((r) => r.revision <= from);
        return { state: 'there', records: upTo.slice(-count).toReversed() };
      }
      const onward = from === 'start' ? records : from === 'end' ? [] : records.filter((r) => r.revision >= from);
      return { state: 'there', records: onward.slice(0, count) };
    },
    seek(position, backwards) {
      if (position === 'start') return 0;
      if (position === 'end' || position >= end) return all.length;
      const index = lowerBound(all, position);
      return all[index]?.position === position ? index : backwards && all[index - 1]?.end === position ? index : null;
    },
    onWrite(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    isVisible: (record) => {
      const stream = streams.get(record.stream);
      if (stream === undefined || stream.tombstoned) return record.type === '$streamDeleted';
      return kept(record.stream, [record]).length > 0 && withinCount(record, stream);
    },
  };

  function withinCount(record: LogRecord, { records }: Stream): boolean {
    const { maxCount } = retentionOf(record.stream);
    return maxCount === null || record.revision >= BigInt(records.length) - maxCount;
  }
}

/** The index of the first record at or after a position. */
function lowerBound(records: readonly LogRecord[], position: bigint): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.position ?? 0n) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
