import avro, { type Type } from 'avsc';
import { array, assert, constantFrom, property, record, uniqueArray } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { explainIncompatibility, type Schema } from './compatibility.ts';

const id = { name: 'id', type: 'string' };
const words = (name: string, symbols: string[], more: object = {}) => ({
  name: 'word',
  type: { type: 'enum', name, symbols, ...more },
});

const recordOf = (...fields: object[]): Schema => ({ type: 'record', name: 'Grown', fields: fields as never });

function explain(before: object[], after: object[]): string[] {
  return explainIncompatibility(
    { file: 'events/Grown.v1.avsc', schema: recordOf(...before) },
    { file: 'events/Grown.v2.avsc', schema: recordOf(...after) },
  );
}

describe('what may change', () => {
  const changes: [what: string, before: object[], after: object[]][] = [
    ['nothing', [id], [id]],
    ['a field is added with a default', [id], [id, { name: 'size', type: 'int', default: 0 }]],
    ['a field that had a default goes', [id, { name: 'size', type: 'int', default: 0 }], [id]],
    ['the order of fields', [id, { name: 'b', type: 'int' }], [{ name: 'b', type: 'int' }, id]],
    ['a default', [{ ...id, default: 'a' }], [{ ...id, default: 'b' }]],
    ['documentation', [{ ...id, doc: 'one' }], [{ ...id, doc: 'another' }]],
    ['text becomes bytes', [{ name: 'b', type: 'string' }], [{ name: 'b', type: 'bytes' }]],
    [
      'an enumeration with a default grows',
      [words('W', ['a'], { default: 'a' })],
      [words('W', ['a', 'b'], { default: 'a' })],
    ],
  ];
  test.each(changes)('%s', (_what, before, after) => {
    expect(explain(before, after)).toEqual([]);
  });
});

describe('what may not change is explained by its field', () => {
  const size = { name: 'size', type: 'int' };
  const nested = (...fields: object[]) => ({ name: 'owner', type: { type: 'record', name: 'Owner', fields } });
  const changes: [what: string, before: object[], after: object[], sentence: RegExp][] = [
    [
      'a field is added without a default',
      [id],
      [id, size],
      /v2.avsc: field "size" was added without a default; give it a "default"/,
    ],
    [
      'a field goes that had none',
      [id, size],
      [id],
      /v2.avsc: field "size" was removed; events\/Grown.v1.avsc reads without a default/,
    ],
    [
      'a field is renamed',
      [id, size],
      [id, { name: 'bytes', type: 'int', aliases: ['size'] }],
      /field "size" was renamed; .* keep the old name/,
    ],
    [
      'a number becomes wider',
      [size],
      [{ name: 'size', type: 'long' }],
      /field "size" was int and is long in this version/,
    ],
    [
      'a number becomes text',
      [size],
      [{ name: 'size', type: 'string' }],
      /field "size" was int and is string in this version; .*add another field with a default/,
    ],
    ['a field may be missing', [id], [{ name: 'id', type: ['null', 'string'] }], /field "id" .*null/],
    ['a union loses a branch', [{ name: 'id', type: ['null', 'string'] }], [id], /field "id" .*null/],
    [
      'an enumeration grows',
      [words('W', ['a'])],
      [words('W', ['a', 'b'])],
      /field "word" got the new symbols b; .*use a string/,
    ],
    [
      'an enumeration shrinks',
      [words('W', ['a', 'b'])],
      [words('W', ['a'])],
      /field "word" lost the symbols b; keep every symbol/,
    ],
    ['a type is called otherwise', [words('W', ['a'])], [words('V', ['a'])], /field "word" is called .*keep the name/],
    ['a field deep inside', [nested(id)], [nested(id, size)], /field "owner.size" was added without a default/],
    [
      'items of a list',
      [{ name: 'l', type: { type: 'array', items: 'int' } }],
      [{ name: 'l', type: { type: 'array', items: 'string' } }],
      /field "l\[\]"/,
    ],
    [
      'values of a map',
      [{ name: 'm', type: { type: 'map', values: 'int' } }],
      [{ name: 'm', type: { type: 'map', values: 'string' } }],
      /field "m\{\}"/,
    ],
    [
      'what a number means',
      [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }],
      [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }],
      /field "at" meant timestamp-millis and means timestamp-micros in this version/,
    ],
    [
      'a plain number gets a meaning',
      [{ name: 'on', type: 'int' }],
      [{ name: 'on', type: { type: 'int', logicalType: 'date' } }],
      /field "on" meant int and means date in this version/,
    ],
    [
      'digits after the point',
      [{ name: 'p', type: { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 } }],
      [{ name: 'p', type: { type: 'bytes', logicalType: 'decimal', precision: 4 } }],
      /field "p" meant decimal\(4, 2\) and means decimal\(4, 0\)/,
    ],
    ['what is personal', [id], [{ ...id, personal: { subject: 'id' } }], /field "id" is not personal in the same way/],
  ];
  test.each(changes)('%s', (_what, before, after, sentence) => {
    const reasons = explain(before, after);
    expect(reasons.join('\n')).toMatch(sentence);
    for (const reason of reasons) expect(reason).toMatch(/^events\/Grown\.v2\.avsc: .+; .+\.$/);
  });
});

test('a record stays in its namespace, by which consumers know it', () => {
  const inside = (file: string, namespace: string) => ({
    file,
    schema: { type: 'record', name: 'X', namespace, fields: [] },
  });
  expect(explainIncompatibility(inside('v1', 'miniredis.node'), inside('v2', 'miniredis.tenant'))).toEqual([
    'v2: the record is in miniredis.node in one version and in miniredis.tenant in the other; keep the namespace.',
  ]);
});

test('two schemas are compatible for us when Avro can resolve them both ways', () => {
  const types = constantFrom<Schema>(
    'int',
    'long',
    'double',
    'string',
    'bytes',
    'boolean',
    ['null', 'int'],
    ['null', 'string', 'long'],
  );
  const field = record({ name: constantFrom('a', 'b', 'c'), type: types, filled: constantFrom(true, false) });
  const defaults: Record<string, unknown> = { int: 1, long: 1, double: 1, string: 'x', bytes: 'x', boolean: true };
  const fieldsOf = (fields: readonly { name: string; type: Schema; filled: boolean }[]) =>
    fields.map(({ name, type, filled }) => ({
      name,
      type,
      ...(filled ? { default: typeof type === 'string' ? defaults[type] : null } : {}),
    }));
  const schema = uniqueArray(field, { selector: ({ name }) => name, maxLength: 3 });
  const parse = (fields: object[]): Type => avro.Type.forSchema(recordOf(...fields) as never, { wrapUnions: 'never' });
  const resolves = (reader: Type, writer: Type): boolean => {
    try {
      reader.createResolver(writer);
      return true;
    } catch {
      return false;
    }
  };
  assert(
    property(array(schema, { minLength: 2, maxLength: 2 }), ([first = [], second = []]) => {
      const [before, after] = [fieldsOf(first), fieldsOf(second)];
      const [left, right] = [parse(before), parse(after)];
      expect(explain(before, after).length === 0).toBe(resolves(left, right) && resolves(right, left));
    }),
    { numRuns: 2_000 },
  );
});
