import type { Pool } from 'pg';

import { byFilter, byStream, type ArchivedEvents, type Wanted } from '../archive/archived-events.ts';
import type { Archive } from '../archive/catalog.ts';
import type { StoredEvent } from '../codec.ts';
import type { ReadFilter, StreamRange } from '../event-log.ts';
import { readArchives } from './archiving/catalog.ts';
import { readFiltered, type StoredBatch } from './filtered-read.ts';
import { readHead, readPositionAt, readRows, readStreamRows } from './read.ts';

/** Reads the whole log: what is in the database, and what was archived, as if it had never left. */
export interface LogReader {
  /** The first events after a position and up to another, and how far they reach. */
  readAll(after: bigint, to: bigint, limit: number, filter: ReadFilter): Promise<StoredBatch>;
  readStream(stream: string, range: StreamRange): Promise<StoredEvent[]>;
  positionAt(time: Date): Promise<bigint>;
}

/** A read that finds a hole where there can be none is done again so often before it counts as one. */
const triesAtMost = 5;

/**
 * A reader. It looks into the archive only where the database has a gap, and asks for the list of archives after it has read the
 * database: what left in between is then found in both, which does no harm, and never in neither.
 */
export function openLogReader(pool: Pool, archived: ArchivedEvents | undefined): LogReader {
  let archives: Archive[] = [];

  /** Wanted events of the archive, followed as far as it takes; none when nothing of that was archived. */
  async function followArchives(wanted: Wanted, toTheEnd: boolean): Promise<StoredBatch> {
    const forward = wanted.direction === 'forward';
    const nothing = { events: [], upTo: forward ? wanted.last : wanted.first };
    if (wanted.first > wanted.last) return nothing;
    const known = archives;
    archives = [...known, ...(await readArchives(pool, known.at(-1)?.number))];
    const overlapping = archives.filter(
      ({ firstPosition, lastPosition }) => firstPosition <= wanted.last && lastPosition >= wanted.first,
    );
    if (overlapping.length === 0) return nothing;
    if (archived === undefined) {
      throw new Error(
        `Events from position ${wanted.first} on are in the archive: open the log with the object store that holds it.`,
      );
    }
    const events: StoredEvent[] = [];
    for (let { first, last } = wanted; ;) {
      const limit = wanted.limit - events.length;
      const found = await archived.read(overlapping, { ...wanted, first, last, limit });
      events.push(...found.events);
      const done = events.length >= wanted.limit || found.reached === (forward ? last : first);
      if (done || !toTheEnd) return { events, upTo: found.reached };
      if (forward) first = found.reached + 1n;
      else last = found.reached - 1n;
    }
  }

  async function isWhole(after: bigint, { events, upTo }: StoredBatch): Promise<boolean> {
    const head = await readHead(pool);
    return BigInt(events.length) === (upTo < head ? upTo : head) - after || after >= head;
  }

  return {
    async readAll(after, to, limit, filter) {
      const filtered = Object.values(filter).some((part) => part !== undefined);
      for (let tries = 1; ; tries += 1) {
        const archivedBefore = archives.length;
        const here = await (filtered ? readFiltered(pool, after, to, limit, filter) : readRows(pool, after, to, limit));
        // Positions have no gap, so where nothing is missing nothing was archived.
        if (!filtered && BigInt(here.events.length) === here.upTo - after) return here;
        const range = { first: after + 1n, last: here.upTo, limit, direction: 'forward' as const };
        const there = await followArchives({ ...range, ...byFilter(filter) }, false);
        const batch = joined(here, there, limit);
        // A statement that began before a partition was replaced, and got to it afterwards, does not see what took its place. What a
        // filter passes over leaves gaps of its own, but whatever replaces a partition makes an archive.
        if (filtered ? archives.length === archivedBefore : await isWhole(after, batch)) return batch;
        if (!filtered && tries === triesAtMost)
          throw new Error(`The log has a gap after position ${after}: restore it as a whole.`);
      }
    },

    async readStream(stream, range) {
      const found = await readStreamRows(pool, stream, range);
      if (found === null) return [];
      const { events: here, first, last, lastVersion } = found;
      const { direction = 'forward', limit = Number.MAX_SAFE_INTEGER, toPosition = last } = range;
      const forward = direction === 'forward';
      const from = Math.min(range.fromVersion ?? (forward ? 0 : lastVersion), forward ? lastVersion + 1 : lastVersion);
      const there = forward ? lastVersion + 1 - from : from + 1;
      // Versions have no gap either.
      if (here.length === Math.min(there, limit)) return here;
      const wanted = { first, last: toPosition < last ? toPosition : last, limit, direction };
      const versions = forward ? ([from, lastVersion] as const) : ([0, from] as const);
      const { events } = await followArchives({ ...wanted, ...byStream(stream, ...versions) }, true);
      return [...here, ...events]
        .toSorted((left, right) => (forward ? left.version - right.version : right.version - left.version))
        .filter((event, n, all) => event.version !== all[n - 1]?.version)
        .slice(0, limit);
    },

    async positionAt(time) {
      const { here, beforeNext } = await readPositionAt(pool, time);
      const moment = time.toISOString();
      const { events } = await followArchives(
        {
          first: here + 1n,
          last: beforeNext,
          limit: 1,
          direction: 'backward',
          matches: ({ recordedAt }) => recordedAt <= moment,
          mayMatch: ({ firstRecordedAt }) => firstRecordedAt <= moment,
        },
        true,
      );
      return events[0]?.position ?? here;
    },
  };
}

/** What was found in the database and in the archive, in order, as far as both reach. */
function joined(here: StoredBatch, there: StoredBatch, limit: number): StoredBatch {
  if (there.events.length === 0 && there.upTo === here.upTo) return here;
  const events = [...here.events.filter(({ position }) => position <= there.upTo), ...there.events]
    .toSorted((left, right) => (left.position < right.position ? -1 : 1))
    .filter((event, n, all) => event.position !== all[n - 1]?.position)
    .slice(0, limit);
  return { events, upTo: events.length < limit ? there.upTo : (events.at(-1)?.position ?? there.upTo) };
}
