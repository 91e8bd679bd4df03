/** Makes the data of one version of an event into that of the next one. Pure: what it gives depends on nothing but the data. */
export type Upcaster = (data: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/**
 * By event type, and by the version that a step begins with. A step that is not here is Avro's own: new fields get their defaults, others
 * go. A step is needed where a new field has a meaning for older events that a default can't say. Personal fields are ciphertext
 * here and must stay as they are.
 */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Upcaster>>>>;

export const upcasters: Upcasters = {};
