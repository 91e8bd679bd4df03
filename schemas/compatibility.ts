/**
 * Whether two versions of a schema can each read what the other wrote, and if not, which field is at fault and what to do about it. The
 * rules are those by which Avro resolves schemas: https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 */

/** As far as a schema matters here. Names of types are without their namespace, as the files of events have one each. */
export type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: Schema;
      readonly name?: string;
      readonly namespace?: string;
      readonly aliases?: readonly string[];
      readonly fields?: readonly Field[];
      readonly symbols?: readonly string[];
      readonly default?: unknown;
      readonly items?: Schema;
      readonly values?: Schema;
      readonly size?: number;
      readonly logicalType?: string;
      readonly precision?: number;
      readonly scale?: number;
    };

interface Field {
  readonly name: string;
  readonly type: Schema;
  readonly default?: unknown;
  readonly aliases?: readonly string[];
  /** Whose the value is, where it is ciphertext in the log. */
  readonly personal?: { readonly subject: string };
}

/** A version of an event's schema, and what its file is called in messages. */
export interface VersionedSchema {
  readonly file: string;
  readonly schema: Schema;
}

/** Why two versions are not fully compatible, a sentence each; none when they are. The later one is what can still be changed. */
export function explainIncompatibility(earlier: VersionedSchema, later: VersionedSchema): string[] {
  const place = { file: later.file, other: earlier.file };
  const reasons = [
    ...sameNamespace(later.schema, earlier.schema, { ...place, path: '', reading: 'older events' }),
    ...compare(later.schema, earlier.schema, { ...place, path: '', reading: 'older events' }),
    ...compare(earlier.schema, later.schema, { ...place, path: '', reading: 'newer events' }),
  ];
  return [...new Set(reasons)];
}

interface Place {
  readonly file: string;
  readonly other: string;
  /** The way to the field, such as `owner.name`. */
  readonly path: string;
  /** Whose events the reader at hand is to read: those of an older version, or those of the new one. */
  readonly reading: 'older events' | 'newer events';
}

/** What an integer or a float may be read as beside itself. */
const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

function compare(reader: Schema, writer: Schema, place: Place): string[] {
  if (isUnion(writer)) return writer.flatMap((branch) => compare(reader, branch, place));
  if (isUnion(reader)) {
    const fits = reader.some((branch) => compare(branch, writer, place).length === 0);
    return fits
      ? []
      : [say(place, `can be ${show(writer)} in one version and only ${show(reader)} in the other`, keepType)];
  }
  const [wanted, given] = [kindOf(reader), kindOf(writer)];
  if (wanted !== given) {
    if (promotions[given]?.includes(wanted) === true) return [];
    const [before, after] = place.reading === 'older events' ? [writer, reader] : [reader, writer];
    return [say(place, `was ${show(before)} and is ${show(after)} in this version`, keepType)];
  }
  const [meant, said] = [meaningOf(reader), meaningOf(writer)];
  if (meant !== said) {
    const [before, after] = place.reading === 'older events' ? [said, meant] : [meant, said];
    return [say(place, `meant ${before ?? wanted} and means ${after ?? wanted} in this version`, keepType)];
  }
  if (typeof reader === 'string' || typeof writer === 'string') return [];
  switch (wanted) {
    case 'record':
      return compareRecords(reader, writer, place);
    case 'enum':
      return compareEnums(reader, writer, place);
    case 'fixed':
      return sameName(reader, writer, place).concat(
        reader.size === writer.size ? [] : [say(place, 'has another size', keepType)],
      );
    case 'array':
      return compare(reader.items ?? 'null', writer.items ?? 'null', within(place, '[]'));
    case 'map':
      return compare(reader.values ?? 'null', writer.values ?? 'null', within(place, '{}'));
    default:
      return [];
  }
}

type Named = Exclude<Schema, string | readonly Schema[]>;

function compareRecords(reader: Named, writer: Named, place: Place): string[] {
  const written = writer.fields ?? [];
  const problems = sameName(reader, writer, place);
  for (const field of reader.fields ?? []) {
    const names = [field.name, ...(field.aliases ?? [])];
    const counterpart = written.find(({ name }) => names.includes(name));
    const inside = within(place, field.name);
    if (counterpart !== undefined) {
      problems.push(...compare(field.type, counterpart.type, inside));
      if (field.personal?.subject !== counterpart.personal?.subject)
        problems.push(say(inside, otherwisePersonal, keepPersonal));
    }
    if (counterpart === undefined && field.default === undefined) problems.push(missing(inside, field, written));
  }
  return problems;
}

/** The reader has a field that the writer does not know, and nothing to put there. */
function missing(place: Place, field: Field, written: readonly Field[]): string {
  const renamed = written.some(({ aliases }) => aliases?.includes(field.name) === true);
  if (place.reading === 'older events') {
    const advice = 'give it a "default", so that events written before have a value';
    return say(place, 'was added without a default', advice);
  }
  if (renamed) {
    const advice =
      'readers of the older version do not know the alias; keep the old name, or keep both fields, each with a default';
    return say(place, 'was renamed', advice);
  }
  const advice = `${place.other} reads without a default for it; keep the field, and stop filling it with meaning if it has none any more`;
  return say(place, 'was removed', advice);
}

function compareEnums(reader: Named, writer: Named, place: Place): string[] {
  const problems = sameName(reader, writer, place);
  const unknown = (writer.symbols ?? []).filter((symbol) => reader.symbols?.includes(symbol) !== true);
  if (unknown.length === 0 || reader.default !== undefined) return problems;
  const advice =
    place.reading === 'older events'
      ? 'keep every symbol that was ever written'
      : `${place.other} has no default symbol for what it does not know; use a string, which may hold any word`;
  const change = place.reading === 'older events' ? 'lost the symbols' : 'got the new symbols';
  return [...problems, say(place, `${change} ${unknown.join(', ')}`, advice)];
}

function sameName(reader: Named, writer: Named, place: Place): string[] {
  const names = [reader.name, ...(reader.aliases ?? [])];
  if (names.includes(writer.name)) return [];
  return [
    say(place, `is called ${writer.name} in one version and ${reader.name} in the other`, 'keep the name of the type'),
  ];
}

/** On the wire a schema is known by its full name; under another one, consumers would take it for another event. */
function sameNamespace(later: Schema, earlier: Schema, place: Place): string[] {
  const [after, before] = [(later as Named).namespace, (earlier as Named).namespace];
  if (after === before) return [];
  return [say(place, `is in ${before} in one version and in ${after} in the other`, 'keep the namespace')];
}

const otherwisePersonal = 'is not personal in the same way in both versions';
const keepPersonal =
  'what was written is ciphertext for ever, or never was: keep "personal" as it is, and add another field for the other kind';
const keepType = 'no change of a type can be read both ways: keep it, and add another field with a default beside it';

function say({ file, path }: Place, problem: string, advice: string): string {
  return `${file}: ${path === '' ? 'the record' : `field "${path}"`} ${problem}; ${advice}.`;
}

function within(place: Place, name: string): Place {
  const path = name === '[]' || name === '{}' ? `${place.path}${name}` : [place.path, name].filter(Boolean).join('.');
  return { ...place, path };
}

function isUnion(schema: Schema): schema is readonly Schema[] {
  return Array.isArray(schema) || (typeof schema === 'object' && Array.isArray((schema as Named).type));
}

function kindOf(schema: Schema): string {
  if (typeof schema === 'string') return schema;
  const { type } = schema as Named;
  return typeof type === 'string' ? type : kindOf(type);
}

/** What its bytes stand for, where that is more than they are: Avro resolves a time in seconds to one in days without a word. */
function meaningOf(schema: Schema): string | null {
  if (typeof schema === 'string') return null;
  const { type, logicalType, precision, scale } = schema as Named;
  if (logicalType === undefined) return typeof type === 'string' ? null : meaningOf(type);
  return precision === undefined ? logicalType : `${logicalType}(${precision}, ${scale ?? 0})`;
}

function show(schema: Schema): string {
  if (isUnion(schema)) return schema.map(show).join(' or ');
  const { name } = schema as Named;
  return typeof schema === 'string' ? schema : (name ?? kindOf(schema));
}
