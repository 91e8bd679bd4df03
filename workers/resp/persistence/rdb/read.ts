import type { EncodingLimits } from '../../keyspace/sizes.ts';
import type { Value } from '../../keyspace/value.ts';
import { nextSlice, sliceIsOver } from '../pace.ts';
import { OPCODE, RDB_VERSION_MAX } from './format.ts';
import { RdbInput } from './input.ts';
import { whole } from './pauses.ts';
import type { Pause } from './pauses.ts';
import { readValue } from './read-value.ts';

/** How many small entries are read between two looks at the clock. */
const SLICE_ENTRIES = 16;

/** What is done with each key of a file; a generator, so that work on a large value can be sliced as well. */
export type RdbSink = (db: number, key: string, value: Value, expireAtMs: number | undefined) => Iterable<void> | void;

/** How a file is read. */
export interface RdbReadOptions {
  readonly limits?: EncodingLimits;
  /** Is told of the auxiliary fields, which hold everything that is no key. */
  readonly onAux?: (name: string, value: string) => void;
  /** Is told of the code of each function library. */
  readonly onLibrary?: (code: string) => void;
  /** The length of the whole file, when it is known: a claim beyond it is refused at once. */
  readonly totalBytes?: number;
  /** True when something else may follow the file, as in an append-only file with an RDB preamble. */
  readonly followed?: boolean;
}

/**
 * Reads an RDB file of any version up to 12 from chunks and gives each key to `sink`, in slices that leave others their
 * turn. Resolves with its length once the end mark and the checksum were found right and nothing follows; rejects with an RdbError
 * otherwise, and then what the sink has seen must be thrown away. Memory stays within the largest value.
 */
export async function readRdb(
  source: AsyncIterable<Uint8Array>,
  sink: RdbSink,
  options: RdbReadOptions = {},
): Promise<number> {
  const input = new RdbInput(undefined, options.totalBytes);
  const chunks = source[Symbol.asyncIterator]();
  try {
    const parsing = parse(input, sink, options);
    for (let step = parsing.next(); step.done !== true; step = parsing.next()) {
      if (step.value === 'more') {
        while (!input.sumSlice()) if (sliceIsOver()) await nextSlice();
        await input.fill(chunks);
      }
      if (sliceIsOver()) await nextSlice();
    }
    const end = input.offset;
    if (options.followed !== true && !(await input.atEnd(chunks))) input.fail('something follows its end');
    return end;
  } finally {
    await chunks.return?.();
  }
}

function* parse(input: RdbInput, sink: RdbSink, { limits, onAux, onLibrary }: RdbReadOptions): Generator<Pause, void> {
  const version = yield* whole(input, () => readVersion(input));
  let db = 0;
  let expireAtMs: number | undefined;
  for (let entries = 1; ; entries++) {
    // Looking at the clock costs about as much as a small entry.
    if (entries % SLICE_ENTRIES === 0) yield 'slice';
    const opcode = yield* whole(input, () => input.byte());
    switch (opcode) {
      case OPCODE.end:
        return yield* checkEnd(input, version);
      case OPCODE.aux: {
        const [name, value] = yield* whole(input, () => [input.string(), input.string()] as const);
        onAux?.(name, value);
        break;
      }
      case OPCODE.selectDb:
        db = yield* whole(input, () => input.length());
        break;
      case OPCODE.expireMs:
        expireAtMs = yield* whole(input, () => input.int64());
        break;
      case OPCODE.expireSeconds:
        expireAtMs = (yield* whole(input, () => input.int32())) * 1000;
        break;
      case OPCODE.function2: {
        const code = yield* whole(input, () => input.string());
        onLibrary?.(code);
        break;
      }
      case OPCODE.functionPreGa:
        return input.fail('it holds functions in a format from before they were released');
      case OPCODE.moduleAux:
        return input.fail('it holds data of a module, which is not supported');
      default: {
        if (yield* skipped(input, opcode)) break;
        const key = yield* whole(input, () => input.string());
        const value = yield* readValue(input, opcode, limits);
        const work = value === undefined ? undefined : sink(db, key, value, expireAtMs);
        if (work !== undefined) for (const _ of work) yield 'slice';
        expireAtMs = undefined;
      }
    }
  }
}

function readVersion(input: RdbInput): number {
  const magic = input.text(5);
  const digits = input.text(4);
  const version = Number(digits);
  if (magic !== 'REDIS' || !/^\d{4}$/.test(digits)) input.fail('it does not begin like an RDB file');
  if (version < 1 || version > RDB_VERSION_MAX) input.fail(`its version ${version} is not known`);
  return version;
}

/** Skips what only helps servers to load faster or to evict; false when the opcode begins a key. */
function* skipped(input: RdbInput, opcode: number): Generator<Pause, boolean> {
  const skips: Record<number, () => unknown> = {
    [OPCODE.resizeDb]: () => [input.length(), input.length()],
    [OPCODE.slotInfo]: () => [input.length(), input.length(), input.length()],
    [OPCODE.idle]: () => input.length(),
    [OPCODE.frequency]: () => input.byte(),
  };
  if (opcode < OPCODE.slotInfo) return false;
  const skip = skips[opcode];
  if (skip === undefined) return false;
  yield* whole(input, skip);
  return true;
}

/** Compares the checksum, unless the file has none (0) or is too old to have one. */
function* checkEnd(input: RdbInput, version: number): Generator<Pause, void> {
  while (!input.sumSlice()) yield 'slice';
  const { low, high } = { ...input.checksum };
  if (version < 5) return;
  const [fileLow, fileHigh] = yield* whole(input, () => [input.int32() >>> 0, input.int32() >>> 0]);
  if ((fileLow !== 0 || fileHigh !== 0) && (fileLow !== low || fileHigh !== high)) {
    input.fail('its checksum is wrong: the file is damaged');
  }
}
