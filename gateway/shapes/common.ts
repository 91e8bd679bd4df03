import { z } from 'zod';

/** A position in the log: a number with every digit, beyond what a double holds, too. */
export const Position = z
  .custom<bigint>((value) => typeof value === 'bigint')
  .meta({ id: 'Position', type: 'integer', format: 'int64', description: 'A position in the event log.' });

/** ISO 8601, UTC, milliseconds. */
export const Timestamp = z.string().meta({ format: 'date-time' });

export const Version = z.int().min(0).meta({ description: 'Version of the thing: its ETag without the quotes.' });

/** Text that people write, kept and shown as it is: no control characters, no halves of characters. */
export function text(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), 'must not hold control characters');
}

/** A filter in a query string. */
export const Filter = text(255).min(1);

const Limit = z.coerce
  .number({ error: 'must be a number from 1 to 200' })
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(200, 'must be at most 200')
  .default(50);

/** What every list takes. */
export const Paging = z.strictObject({
  limit: Limit,
  cursor: z.string().min(1).max(1000).optional().meta({ description: '`nextCursor` of the page before.' }),
});

/** The past that a read of state asks for. */
export const At = z
  .string()
  .max(40)
  .optional()
  .meta({ description: 'State as it was at a position in the log, or at a time (ISO 8601).' });

/** A path's id is any text: one that is not of its kind names nothing, like one that is not known. */
export function pathIds<const Name extends string>(...names: Name[]) {
  return z.object(Object.fromEntries(names.map((name) => [name, z.string()])) as Record<Name, z.ZodString>);
}

/** A write whose path says everything: no body, or an empty object. */
export const NoBody = z.strictObject({}).optional();

/** One page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

const ProblemShape = z
  .looseObject({
    type: z.string().meta({ format: 'uri-reference' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; see /docs/problems/{code}.' }),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

/** What any route may answer when it doesn't succeed. */
export const problemResponse = {
  '4xx': { description: 'A problem', content: { 'application/problem+json': { schema: ProblemShape } } },
  '5xx': { description: 'A problem', content: { 'application/problem+json': { schema: ProblemShape } } },
} as const;

/** The caller has it already: no body. */
export const notModified = z.undefined().meta({ description: 'Not modified since the version in If-None-Match' });
