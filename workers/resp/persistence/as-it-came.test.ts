import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forgetAsItCame } from '../protocol/as-it-came.ts';
import { RequestParser } from '../protocol/parser.ts';
import { writeRequest } from '../protocol/request.ts';
import { CommandBuffer } from './aof/command-buffer.ts';
import { nodePrefix, RecordBuffer } from './wal/record-buffer.ts';
import { effectsOf, readRecord } from './wal/record.ts';
import type { NodeRecord } from './wal/record.ts';

const word = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  fc.integer({ min: 0, max: 9000 }).map((length) => 'x'.repeat(length)),
);
const words = fc.array(word, { minLength: 1, maxLength: 5 });
/** Forms that are taken from clients, as Redis does, and that must not get into a log. */
const odd = fc.constantFrom(
  '*02\r\n$3\r\nGET\r\n$1\r\nk\r\n',
  '*2\r\n$03\r\nGET\r\n$1\r\nk\r\n',
  '*2\r.$3\r\nGET\r\n$1\r\nk\r\n',
  '*2\r\n$3\r.GET\r\n$1\r\nk\r\n',
  '*2\r\n$3\r\nGET..$1\r\nk\r\n',
  '*2\r\n$3\r\nGET\r\n$1\r\nk..',
  'GET k\r\n',
);
/** A request; the database it is of; whether it is written, also before it by the log itself. */
const step = fc.record({
  text: fc.oneof({ weight: 5, arbitrary: words.map(writeRequest) }, odd),
  db: fc.nat({ max: 1 }),
  written: fc.constantFrom('yes', 'yes', 'no', 'behind another'),
});

/** Reads requests from a buffer that is used for something else after each of several reads. */
function requests(texts: readonly string[], take: (args: readonly string[], index: number) => void): void {
  const parser = new RequestParser(1e9);
  const shared = Buffer.alloc(65_536);
  let index = 0;
  for (const text of texts) {
    parser.feed(shared, shared.write(text, 'latin1'));
    for (let request = parser.next(); request !== undefined; request = parser.next())
      take(request as string[], index++);
    parser.rest();
    shared.fill(0);
  }
}

/** Joins some texts, as they come together in one read. */
function inReads(texts: readonly string[]): string[] {
  const reads: string[] = [];
  for (const [index, text] of texts.entries()) {
    if (index % 7 > 0 && reads.at(-1)!.length + text.length <= 65_536) reads.push(reads.pop()! + text);
    else reads.push(text);
  }
  return reads;
}

const OTHER = ['PEXPIREAT', 'k', '1'];

test('append-only files hold requests in their own form, however they came', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const buffer = new CommandBuffer();
      let expected = '';
      requests(inReads(steps.map(({ text }) => text)), (args, index) => {
        const { written } = steps[index]!;
        if (written === 'no') return;
        if (written === 'behind another') buffer.command(OTHER);
        buffer.command(args);
        expected += (written === 'yes' ? '' : writeRequest(OTHER)) + writeRequest(args);
      });
      expect(buffer.view().toString('latin1')).toBe(expected);
    }),
  );
});

test('records give back the effects that came as requests', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const buffer = new RecordBuffer();
      const prefix = nodePrefix('node', 1);
      const expected: { db: number; args: readonly string[] }[] = [];
      let sequence = 0;
      requests(inReads(steps.map(({ text }) => text)), (args, index) => {
        const { db, written } = steps[index]!;
        if (written === 'no') return;
        if (!buffer.continues(prefix)) buffer.openRun(prefix, ++sequence);
        if (written === 'behind another') buffer.effect(1 - db, OTHER);
        if (written === 'behind another') expected.push({ db: 1 - db, args: OTHER });
        buffer.effect(db, args);
        expected.push({ db, args });
      });
      buffer.seal();
      const bytes = Buffer.concat([...buffer.parts()]);
      const found: unknown[] = [];
      for (let at = 0; at < bytes.length;) {
        const record = readRecord(bytes, at, at) as NodeRecord;
        found.push(...effectsOf(record));
        at = record.end;
      }
      expect(found).toEqual(expected);
    }),
  );
});

test('a request whose bytes are gone is written from its words', () => {
  const buffer = new CommandBuffer();
  let kept: readonly string[] = [];
  requests([writeRequest(['SET', 'key', 'value'])], (args) => (kept = args));
  buffer.command(kept);
  forgetAsItCame();
  expect(buffer.view().toString('latin1')).toBe(writeRequest(['SET', 'key', 'value']));
});
