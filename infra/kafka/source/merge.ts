import type { Watermark } from '../watermark.ts';

/** What the merge must know of a record beside what is made of it. */
interface Placed<Item> {
  readonly offset: number;
  readonly position: bigint;
  readonly epoch: bigint;
  readonly item: Item;
}

/** Where a partition is read from. */
export interface PartitionStart {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Partitions back in the one order of the log. */
export interface Merge<Item> {
  /** The offset that a partition is to be read from next; undefined for a partition that is none of these. */
  next(topic: string, partition: number): number | undefined;
  /** A record, in the order of its partition; repeats and what a zombie sends are passed over. Returns how many wait there. */
  add(topic: string, partition: number, record: Placed<Item>): number;
  /**
   * Takes a watermark, unless it speaks of partitions that are wanted and not among those that are merged: it would have them passed
   * over. Returns the topics of those.
   */
  addWatermark(watermark: Watermark, isWanted?: (topic: string) => boolean): string[];
  /** The next items, in order, at most so many, and how far they reach: nothing before that is still to come. */
  take(limit: number): { readonly items: Item[]; readonly upTo: bigint };
  /** Where so many or more wait: reading on there would only fill the memory. */
  waiting(atLeast: number): PartitionStart[];
}

interface Partition<Item> {
  readonly topic: string;
  readonly partition: number;
  next: number;
  /** The last event that was accepted; all before it that belong here have been. */
  last: bigint;
  epoch: bigint;
  queue: Placed<Item>[];
  /** Where the queue begins; what lies before has been taken. */
  first: number;
}

/**
 * Merges partitions by position, up to where all of them are known to have come: a partition has come as far as its last record, and
 * as far as the watermark once it was read to the offset that the watermark names. Never further than the watermark, which alone knows
 * what topics there are. Starts after a position, which every partition is taken to have reached.
 */
export function createMerge<Item>(after: bigint, starts: readonly PartitionStart[]): Merge<Item> {
  const partitions = new Map<string, Partition<Item>>();
  for (const { topic, partition, offset } of starts) {
    partitions.set(nameOf(topic, partition), {
      topic,
      partition,
      next: offset,
      last: after,
      epoch: 0n,
      queue: [],
      first: 0,
    });
  }
  let watermark: Watermark = { epoch: 0n, position: after, offsets: new Map() };

  const reach = ({ topic, partition, next, last }: Partition<Item>): bigint => {
    const whole = next >= (watermark.offsets.get(topic)?.[partition] ?? 0);
    return whole && watermark.position > last ? watermark.position : last;
  };

  /** How far all partitions have come. */
  const common = (): bigint => {
    let least: bigint | null = null;
    for (const partition of partitions.values()) {
      const come = reach(partition);
      if (least === null || come < least) least = come;
    }
    // Beyond the watermark there may be events in topics that nobody has told of yet.
    return least === null || least > watermark.position ? watermark.position : least;
  };

  return {
    next: (topic, partition) => partitions.get(nameOf(topic, partition))?.next,
    add(topic, partition, record) {
      const state = partitions.get(nameOf(topic, partition));
      if (state === undefined || record.offset < state.next) return 0;
      state.next = record.offset + 1;
      const zombie = record.epoch < state.epoch;
      if (!zombie) state.epoch = record.epoch;
      if (!zombie && record.position > state.last) {
        state.last = record.position;
        state.queue.push(record);
      }
      return state.queue.length - state.first;
    },
    addWatermark(next, isWanted = () => true) {
      const missing = [...next.offsets].filter(
        ([topic, offsets]) => isWanted(topic) && !partitions.has(nameOf(topic, offsets.length - 1)),
      );
      // One with an older epoch is a zombie's, one that goes back is a relay's that fills a lost topic again.
      const good = next.epoch >= watermark.epoch && next.position >= watermark.position;
      if (good && missing.length === 0) {
        // The new one speaks of offsets further on; what was known by the old one stays known.
        for (const partition of partitions.values()) partition.last = reach(partition);
        watermark = next;
      }
      return missing.map(([topic]) => topic);
    },
    take(limit) {
      const to = common();
      const items: Item[] = [];
      let upTo = to;
      while (items.length < limit) {
        const first = leastOf(partitions.values(), to);
        if (first === null) return { items, upTo: to };
        const { position, item } = takeFirst(first);
        items.push(item);
        upTo = position;
      }
      return { items, upTo };
    },
    waiting: (atLeast) =>
      [...partitions.values()]
        .filter(({ queue, first }) => queue.length - first >= atLeast)
        .map(({ topic, partition, next }) => ({ topic, partition, offset: next })),
  };
}

/** The partition whose first waiting item comes first, if that is not after a position. */
function leastOf<Item>(partitions: Iterable<Partition<Item>>, to: bigint): Partition<Item> | null {
  let least: Partition<Item> | null = null;
  let position = to;
  for (const partition of partitions) {
    const first = partition.queue[partition.first];
    if (first !== undefined && first.position <= position) {
      ({ position } = first);
      least = partition;
    }
  }
  return least;
}

const tidyAfter = 1024;

function takeFirst<Item>(partition: Partition<Item>): Placed<Item> {
  const record = partition.queue[partition.first];
  if (record === undefined) throw new Error('An empty partition has no first record.');
  partition.first += 1;
  if (partition.first >= tidyAfter || partition.first === partition.queue.length) {
    partition.queue = partition.queue.slice(partition.first);
    partition.first = 0;
  }
  return record;
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
