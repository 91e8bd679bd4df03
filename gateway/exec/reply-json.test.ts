import { expect, test } from 'vitest';

import { replyToJson } from './reply-json.ts';

test('text stays text, other bytes become base64 and nothing is replaced', () => {
  expect(replyToJson(Buffer.from('Zürich 東京'))).toBe('Zürich 東京');
  expect(replyToJson(Buffer.from([0xef, 0xbb, 0xbf, 0x61]))).toBe('\ufeffa');
  expect(replyToJson(Buffer.from([0xff, 0x00]))).toEqual({ base64: '/wA=' });
  expect(replyToJson(Buffer.alloc(0))).toBe('');
});

test('integers are numbers, exact where a double is not', () => {
  expect(replyToJson('42')).toBe(42);
  expect(replyToJson('-1')).toBe(-1);
  expect(replyToJson('9223372036854775807')).toBe(9223372036854775807n);
});

test('nothing is null, at any depth, and an error inside a reply is shown as one', () => {
  expect(replyToJson([null, [Buffer.from('a'), '1'], new Error('WRONGTYPE no')])).toEqual([
    null,
    ['a', 1],
    { error: 'WRONGTYPE no' },
  ]);
});
