import type { Schema } from './compatibility.ts';
import type { SchemaFile } from './read-schemas.ts';

/** The TypeScript of the newest version of every event's data: `schemas/event-data.ts` is this text, byte by byte. */
export function generateTypes(files: readonly SchemaFile[]): string {
  const newest = new Map(files.filter(({ file }) => file.startsWith('events/')).map((one) => [one.eventType, one]));
  const interfaces = [...newest.values()].map(({ eventType, schema, file }) => {
    const { doc, fields = [] } = schema as unknown as Documented;
    const members = fields.map((field) => `${comment(field.doc, '    ')}    ${field.name}: ${typeOf(field.type)};\n`);
    return `${comment(`${doc ?? ''} (schemas/${file})`, '  ')}  ${eventType}: {\n${members.join('')}  };\n`;
  });
  return `// Made from schemas/events by "npm run schemas -- types"; not to be edited.

/** What each event says, by its newest schema. Ids and words that are branded or listed in the domains are strings here. */
export interface EventData {
${interfaces.join('')}}
`;
}

interface Documented {
  readonly doc?: string;
  readonly fields?: readonly { readonly name: string; readonly type: Schema; readonly doc?: string }[];
}

function comment(text: string | undefined, indent: string): string {
  return text === undefined || text === '' ? '' : `${indent}/** ${text.replaceAll('*/', '* /')} */\n`;
}

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Uint8Array',
};

function typeOf(schema: Schema): string {
  if (typeof schema === 'string') {
    const primitive = primitives[schema];
    if (primitive === undefined)
      throw new Error(
        `The type ${schema} is named away from where it is defined; define each type where it is used, once.`,
      );
    return primitive;
  }
  if (Array.isArray(schema)) return schema.map((branch: Schema) => typeOf(branch)).join(' | ');
  const { type, items, values, symbols, fields } = schema as Exclude<Schema, string | readonly Schema[]>;
  if (type === 'array' && items !== undefined) return `(${typeOf(items)})[]`;
  if (type === 'map' && values !== undefined) return `Record<string, ${typeOf(values)}>`;
  if (type === 'enum') return (symbols ?? []).map((symbol) => `'${symbol}'`).join(' | ');
  if (type === 'fixed') return 'Uint8Array';
  if (type === 'record')
    return `{ ${(fields ?? []).map((field) => `${field.name}: ${typeOf(field.type)}`).join('; ')} }`;
  return typeOf(type);
}
