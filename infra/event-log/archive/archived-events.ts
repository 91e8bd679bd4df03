import { buffer, text } from 'node:stream/consumers';

import type { ObjectStore } from '#infra/object-store/object-store.ts';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter } from '../event-log.ts';
import { matches } from '../matches.ts';
import { mayHold } from './bloom.ts';
import type { Archive } from './catalog.ts';
import { decodeBlock } from './container.ts';
import { parseManifest, type BlockEntry, type Manifest } from './manifest.ts';
import { recentlyUsed } from './recently-used.ts';

/** One read looks into so many at most, so that it ends in time where little matches. */
const [manifestsPerRead, blocksPerRead] = [8, 64];
/** A manifest takes some megabytes for a million events, a block about one. */
const [manifestsKept, blocksKept] = [8, 16];

/** What is wanted of the archives: positions from `first` to `last`, both included. */
export interface Wanted {
  readonly first: bigint;
  readonly last: bigint;
  readonly limit: number;
  readonly direction: 'forward' | 'backward';
  readonly matches: (event: StoredEvent) => boolean;
  readonly mayMatch: (block: BlockEntry) => boolean;
}

/** Reads what was archived. Memory holds some blocks and manifests, whatever there is. */
export interface ArchivedEvents {
  /**
   * The first `limit` wanted events in the direction. `reached` is how far that goes, inclusive: there is nothing more to find before it.
   */
  read(archives: readonly Archive[], wanted: Wanted): Promise<{ events: StoredEvent[]; reached: bigint }>;
}

/** Archives of an object store. */
export function openArchivedEvents(objects: Pick<ObjectStore, 'get'>): ArchivedEvents {
  const manifests = recentlyUsed<Manifest>(manifestsKept);
  const blocks = recentlyUsed<StoredEvent[]>(blocksKept);

  const manifestOf = ({ manifestKey, manifestSha256 }: Archive) =>
    manifests.get(manifestKey, async () => parseManifest(await text(await objects.get(manifestKey)), manifestSha256));

  const blockOf = (key: string, { offset, bytes, sha256 }: BlockEntry) =>
    blocks.get(`${key} ${offset}`, async () =>
      decodeBlock(await buffer(await objects.get(key, { start: offset, end: offset + bytes })), sha256),
    );

  return {
    async read(archives, { first, last, limit, direction, matches, mayMatch }) {
      const forward = direction === 'forward';
      // Where an archive or a block begins, counted so that what comes first in the direction is the smaller one.
      const begin = (range: { firstPosition: bigint; lastPosition: bigint }) =>
        forward ? range.firstPosition : -range.lastPosition;
      const wanted = (range: { firstPosition: bigint; lastPosition: bigint }) =>
        range.firstPosition <= last && range.lastPosition >= first;
      const order = <Range extends { firstPosition: bigint; lastPosition: bigint }>(ranges: Range[]) =>
        ranges.toSorted((left, right) => (begin(left) < begin(right) ? -1 : 1));

      const unopened = order(archives.filter(wanted));
      let unread: (BlockEntry & { key: string })[] = [];
      let found: StoredEvent[] = [];
      for (let [opened, read] = [0, 0]; ;) {
        // Archives may overlap; yet what begins later can't hold anything that comes before.
        const [archive, block] = [unopened[0], unread[0]];
        const next = archive !== undefined && (block === undefined || begin(archive) <= begin(block)) ? archive : block;
        const end = found[limit - 1]?.position;
        if (next === undefined || (end !== undefined && (forward ? end : -end) < begin(next))) {
          return { events: found.slice(0, limit), reached: end ?? (forward ? last : first) };
        }
        const reached = forward ? next.firstPosition - 1n : next.lastPosition + 1n;
        const gotOn = forward ? reached >= first : reached <= last;
        if (gotOn && (opened >= manifestsPerRead || read >= blocksPerRead)) {
          const sure = found.filter(({ position }) => (forward ? position <= reached : position >= reached));
          return { events: sure.slice(0, limit), reached: sure[limit - 1]?.position ?? reached };
        }
        if (next === archive) {
          opened += 1;
          unopened.shift();
          const { fileKey: key } = archive;
          const blocks = (await manifestOf(archive)).blocks.filter((entry) => wanted(entry) && mayMatch(entry));
          unread = order([...unread, ...blocks.map((entry) => ({ ...entry, key }))]);
        } else if (block !== undefined) {
          read += 1;
          unread.shift();
          for (const event of await blockOf(block.key, block)) {
            if (event.position >= first && event.position <= last && matches(event)) found.push(event);
          }
          found = found.toSorted((left, right) => (left.position < right.position === forward ? -1 : 1));
        }
      }
    },
  };
}

/** What a filter asks of an event, and of a block before it is read. */
export function byFilter(filter: ReadFilter): Pick<Wanted, 'matches' | 'mayMatch'> {
  const { categories, types, tenantId } = filter;
  return {
    matches: (event) => matches(filter, event),
    mayMatch: (block) =>
      (categories?.some((category) => block.categories.includes(category)) ?? true) &&
      (types?.some((type) => block.types.includes(type)) ?? true) &&
      (tenantId === undefined || mayHold(block.tenants, tenantId)),
  };
}

/** The same for the events of one stream between two versions, both included. */
export function byStream(stream: string, lowest: number, highest: number): Pick<Wanted, 'matches' | 'mayMatch'> {
  return {
    matches: (event) => event.stream === stream && event.version >= lowest && event.version <= highest,
    mayMatch: (block) => mayHold(block.streams, stream),
  };
}
