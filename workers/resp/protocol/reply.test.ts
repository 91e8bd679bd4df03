import { expect, test } from 'vitest';
import { textOf } from './chunk.ts';
import { Reply } from './reply.ts';

/** Lengths around those at which a reply goes another way: written byte by byte, encoded, kept apart, over a chunk's end. */
const lengths = [0, 1, 9, 10, 48, 49, 99, 100, 5000, 16_384, 16_385, 65_536, 70_000, 200_000];
const texts = lengths.flatMap((length) => [`\xff${'x'.repeat(length)}`, 'y'.repeat(length)]);

function filled(reply: Reply): Reply {
  for (let round = 0; round < 3; round++) {
    for (const text of texts) {
      reply.bulk(text);
      reply.integer(text.length);
      reply.double(1.5);
      reply.cut();
    }
  }
  return reply;
}

test('a long reply is byte for byte what it is in short', () => {
  const short = filled(new Reply());
  const long = new Reply();
  long.array(1);
  long.beginLong();
  filled(long);
  expect(long.length).toBe(short.length + 4);
  long.endLong();
  long.ok();
  expect(long.takeText() === `*1\r\n${short.takeText()}+OK\r\n`).toBe(true);
  expect(long.length).toBe(0);
});

test('what was taken in the middle stays as it was, whatever is added afterwards', () => {
  const reply = new Reply();
  reply.beginLong();
  reply.bulk('first');
  const taken = reply.take();
  reply.bulk('second');
  expect(taken.map(textOf).join('')).toBe('$5\r\nfirst\r\n');
  expect(reply.takeText()).toBe('$6\r\nsecond\r\n');
});

test('what a long reply is rolled back to, or muted, is without what came since', () => {
  const reply = filled(new Reply());
  const { length } = reply;
  const mark = reply.mark();
  reply.beginLong();
  reply.bulk('unwanted');
  reply.rollback(mark);
  expect(reply.length).toBe(length);
  reply.mute();
  filled(reply);
  reply.endLong();
  reply.unmute();
  expect(reply.length).toBe(length);
  expect(reply.takeText() === filled(new Reply()).takeText()).toBe(true);
});

test('a mark in the middle of a chunk keeps what was before it, and nothing that came since', () => {
  const reply = new Reply();
  reply.beginLong();
  reply.bulk('wanted');
  const mark = reply.mark();
  reply.bulk('unwanted');
  reply.rollback(mark);
  reply.bulk('more');
  expect(reply.length).toBe(22);
  expect(reply.takeText()).toBe('$6\r\nwanted\r\n$4\r\nmore\r\n');
});

test('all that waits in one reply can be added to another', () => {
  const found = new Reply();
  found.beginLong();
  filled(found);
  const reply = new Reply();
  reply.array(2);
  reply.append(found);
  reply.ok();
  expect(reply.takeText() === `*2\r\n${filled(new Reply()).takeText()}+OK\r\n`).toBe(true);
});
