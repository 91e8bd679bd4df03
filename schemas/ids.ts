import ids from './ids.json' with { type: 'json' };

/** A schema as the wire names it. */
export interface NamedSchema {
  readonly eventType: string;
  readonly version: number;
}

const idOf = new Map(Object.entries(ids));
const schemaOf = new Map(Object.entries(ids).map(([file, id]) => [id, parse(file)]));

/** The id of a version of a schema on the wire: given once in `lock.json`, which `ids.json` is made of, and the same for ever. */
export function schemaId({ eventType, version }: NamedSchema): number {
  const id = idOf.get(`${eventType}.v${version}`);
  if (id === undefined) {
    throw new TypeError(`${eventType}.v${version} has no id: record it with npm run schemas -- types`);
  }
  return id;
}

/** The schema that an id stands for; undefined for an id that was never given. */
export function schemaWithId(id: number): NamedSchema | undefined {
  return schemaOf.get(id);
}

function parse(file: string): NamedSchema {
  const [eventType = '', version] = file.split('.v');
  return { eventType, version: Number(version) };
}
