import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyStream } from './stream-copy.ts';
import { MAX_ID, MIN_ID, streamId } from './stream-id.ts';
import type { StreamId } from './stream-id.ts';
import { idOfRecord, wordsOf } from './stream-record.ts';
import { StreamValue } from './stream-value.ts';

type Entry = readonly [StreamId, readonly string[]];

/** The entries between two IDs, in order or from the end. */
function entriesOf(stream: StreamValue, start: StreamId, end: StreamId, reverse = false): Entry[] {
  const found: Entry[] = [];
  const visit = (record: string): boolean => found.push([idOfRecord(record), wordsOf(record)]) > 0;
  if (reverse) stream.reverseRange(start, end, visit);
  else stream.range(start, end, visit);
  return found;
}

const wholeOf = (stream: StreamValue): Entry[] => entriesOf(stream, MIN_ID, MAX_ID);

/** A stream made anew by steps, as COPY makes it. */
function copyOf(stream: StreamValue): StreamValue {
  const steps = copyStream(stream);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const operation = fc.record({
  what: fc.constantFrom('append', 'append', 'append', 'delete', 'head', 'block', 'freeze', 'copy', 'limits'),
  number: fc.nat(),
  length: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.constant(70_000) }),
});

test('a stream behaves as an array of entries, in whichever form its blocks are', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (operations) => {
      let stream = new StreamValue();
      let model: Entry[] = [];
      let frozen: { readonly stream: StreamValue; readonly model: readonly Entry[] } | undefined;
      let limits = { streamEntries: 6, streamBytes: 4096 };
      const empty = stream.bytes;
      let made = 0;
      for (const { what, number, length } of operations) {
        if (what === 'append') {
          for (let i = 0; i <= number % 5; i++) {
            const id = streamId(1000 + ++made, number % 3);
            const words = ['field', 'x'.repeat(length), `f${number % 2}`, String(made)];
            stream.append(id, words, 0, limits);
            model.push([id, words]);
          }
        } else if (what === 'delete') {
          const id = model[model.length === 0 ? 0 : number % model.length]?.[0] ?? streamId(1, 1);
          expect(stream.delete(id)).toBe(model.length > 0);
          expect(stream.delete(id)).toBe(false);
          model = model.filter(([other]) => other !== id);
        } else if (what === 'head' && model.length > 0) {
          const [first] = stream.blocks;
          const here = model.filter(([id]) => id < (stream.blocks[1]?.base ?? MAX_ID)).length;
          if (first !== undefined && here > 1) {
            const count = 1 + (number % (here - 1));
            stream.dropHead(count);
            model = model.slice(count);
          }
        } else if (what === 'block') {
          const next = stream.blocks[1]?.base ?? MAX_ID;
          stream.dropFirstBlock();
          model = model.filter(([id]) => id >= next);
        } else if (what === 'freeze') {
          stream.thaw();
          frozen = { stream: stream.freeze(), model: model.slice() };
        } else if (what === 'copy') {
          frozen = { stream, model: model.slice() };
          stream = copyOf(stream);
        } else if (what === 'limits') limits = { streamEntries: 1 + (number % 40), streamBytes: 4096 };
        expect(stream.size).toBe(model.length);
        if (what === 'copy') expect(wholeOf(stream)).toEqual(model);
      }
      expect(wholeOf(stream)).toEqual(model);
      expect(entriesOf(stream, MIN_ID, MAX_ID, true)).toEqual(model.toReversed());
      if (frozen !== undefined) expect(wholeOf(frozen.stream)).toEqual(frozen.model);
      expect(stream.firstId).toBe(model[0]?.[0] ?? MIN_ID);
      expect(stream.lastEntryId).toBe(model.at(-1)?.[0] ?? MIN_ID);
      for (const [at, [id, words]] of model.entries()) {
        expect(wordsOf(stream.get(id)!)).toEqual(words);
        if (at % 7 === 0)
          expect(entriesOf(stream, id, model[at + 3]?.[0] ?? id).length).toBe(at + 3 < model.length ? 4 : 1);
      }
      for (const [id] of model) stream.delete(id);
      expect([stream.size, stream.bytes]).toEqual([0, empty]);
    }),
  );
});
