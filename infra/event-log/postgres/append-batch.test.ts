import { createPool } from '#infra/postgres/pool.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  subarray,
  tuple,
  type Arbitrary,
} from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { encodedAppend } from '../testing/encoded-append.ts';
import { flawsOf } from '../testing/sound-log.ts';
import { atOnce } from './append-at-once.ts';
import { appendBatch } from './append-batch.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** What an append looks like while it is being made up: which command of a few, which of a few streams, what of each. */
interface Draft {
  readonly command: number;
  readonly pins: { stream: string; expected: ExpectedVersion; events: string[] }[];
}

const told: Arbitrary<ExpectedVersion> = oneof(constantFrom<ExpectedVersion>('no-stream'), integer({ min: 0, max: 2 }));
const whatever: Arbitrary<ExpectedVersion> = oneof(
  constantFrom<ExpectedVersion>('any', 'any', 'no-stream', 'exists'),
  integer({ min: 0, max: 4 }),
);
const pinsOf = (expected: Arbitrary<ExpectedVersion>): Arbitrary<Draft['pins']> =>
  subarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1, maxLength: 3 }).chain((streams) =>
    array(record({ expected, events: array(constantFrom('x', 'y'), { maxLength: 2 }) }), {
      minLength: streams.length,
      maxLength: streams.length,
    }).map((parts) => parts.map((part, n) => ({ stream: streams[n] ?? '', ...part }))),
  );
const commands = 8;
/** Batches of a few commands that come again and again, now and then with the content of another one. */
const batchesOfDrafts: Arbitrary<Draft[][]> = tuple(
  constantFrom(told, whatever).chain((expected) =>
    array(pinsOf(expected), { minLength: commands, maxLength: commands }),
  ),
  array(
    array(record({ command: nat(commands - 1), other: integer({ min: 0, max: 5 }) }), { minLength: 1, maxLength: 6 }),
    { minLength: 1, maxLength: 8 },
  ),
).map(([contents, batches]) =>
  batches.map((batch) =>
    batch.map(({ command, other }) => ({
      command,
      pins: contents[(command + (other === 0 ? 1 : 0)) % commands] ?? [],
    })),
  ),
);

/** The log as one would write it on a blackboard. */
function modelLog() {
  const events: { id: string; stream: string; text: string }[] = [];
  const versionOf = (stream: string) => events.filter((event) => event.stream === stream).length - 1;

  function append({ command, pins }: Draft, run: number): AppendResult {
    const added = pins
      .flatMap(({ stream, events: texts }) => texts.map((text) => ({ stream, text })))
      .map(({ stream, text }, index) => ({ id: `${command} ${index}`, stream, text }));
    const earlier = events.filter(({ id }) => id.split(' ')[0] === String(command));
    if (added.length > 0 && earlier.length > 0) {
      if (JSON.stringify(earlier) !== JSON.stringify(added)) return { ok: false, conflict: 'event-id' };
      const first = BigInt(events.indexOf(earlier[0] ?? added[0] ?? { id: '', stream: '', text: '' }) + 1);
      return { ok: true, firstPosition: first, lastPosition: first + BigInt(added.length - 1), repeated: true };
    }
    for (const pin of pins) {
      const version = versionOf(pin.stream);
      const holds =
        pin.expected === 'any' ||
        (pin.expected === 'exists' && version >= 0) ||
        (pin.expected === 'no-stream' && version === -1) ||
        pin.expected === version;
      if (!holds) {
        return {
          ok: false,
          conflict: 'version',
          stream: `${run}-${pin.stream}`,
          actual: version === -1 ? null : version,
        };
      }
    }
    events.push(...added);
    const last = BigInt(events.length);
    return {
      ok: true,
      firstPosition: added.length === 0 ? last : last - BigInt(added.length - 1),
      lastPosition: last,
      repeated: false,
    };
  }
  return { append };
}

function encoded({ command, pins }: Draft, run: number): EncodedAppend {
  return encodedAppend(
    run,
    command,
    ...pins.map(({ stream, expected, events }) => [stream, expected, events] as const),
  );
}

test('whatever is asked for in whatever batches, the answers are those of the blackboard', async () => {
  let run = 0;
  const outcomes = { recorded: 0, repeated: 0, version: 0, 'event-id': 0 };
  const ways = { 'at once': 0, 'looked at first': 0 };
  await assert(
    asyncProperty(batchesOfDrafts, async (batches) => {
      run += 1;
      const client = await pool.connect();
      try {
        const { rows } = await client.query<{ position: bigint }>('SELECT position FROM head');
        const offset = rows[0]?.position ?? 0n;
        const model = modelLog();
        for (const batch of batches.map(withoutTwins)) {
          const appends = batch.map((draft) => encoded(draft, run));
          const results = await appendBatch(client, appends);
          ways[atOnce(appends) === null ? 'looked at first' : 'at once'] += 1;
          const wanted = batch.map((draft) => shifted(model.append(draft, run), offset));
          expect(results).toEqual(wanted);
          for (const result of results) {
            outcomes[result.ok ? (result.repeated ? 'repeated' : 'recorded') : result.conflict] += 1;
          }
        }
      } finally {
        client.release();
      }
    }),
    { numRuns: 200 },
  );
  expect(await flawsOf(pool)).toEqual([]);
  // The property says little unless all of these came up, often.
  for (const count of [...Object.values(outcomes), ...Object.values(ways)]) expect(count).toBeGreaterThan(20);
});

/** The queue never puts one command twice into a batch. */
function withoutTwins(batch: readonly Draft[]): Draft[] {
  return [...new Map(batch.map((draft) => [draft.command, draft])).values()];
}

function shifted(result: AppendResult, offset: bigint): AppendResult {
  if (!result.ok) return result;
  return { ...result, firstPosition: result.firstPosition + offset, lastPosition: result.lastPosition + offset };
}
