/** Positions at which something begins, with its time, scattered over the part of the log that this process has read. */
export interface Landmarks {
  note(position: bigint, time: Date): void;
  /** The last known one at or before a position; 0n if none. */
  atOrBefore(position: bigint): bigint;
  /** The first known one that was recorded after a time; `end` if none. */
  after(time: Date): bigint | 'end';
}

interface Landmark {
  readonly position: bigint;
  readonly time: number;
}

/** Every so many events one is kept; when there are too many, every other one goes. */
const [every, keptMax] = [64, 4_096];

/**
 * EventStoreDB finds no position by its time, and no beginning of an event near a position; reading on from a landmark does both
 * without walking the whole log.
 */
export function openLandmarks(): Landmarks {
  let kept: Landmark[] = [];
  let count = 0;

  /** How many of the landmarks a test holds for; it holds for those at the front. */
  function lead(holds: (landmark: Landmark) => boolean): number {
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const landmark = kept[middle];
      if (landmark !== undefined && holds(landmark)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    note(position, time) {
      count += 1;
      if (count % every !== 0) return;
      const index = lead((landmark) => landmark.position < position);
      if (kept[index]?.position === position) return;
      kept.splice(index, 0, { position, time: time.getTime() });
      if (kept.length > keptMax) kept = kept.filter((_, n) => n % 2 === 0);
    },
    atOrBefore: (position) => kept[lead((landmark) => landmark.position <= position) - 1]?.position ?? 0n,
    after: (time) => kept[lead((landmark) => landmark.time <= time.getTime())]?.position ?? 'end',
  };
}
