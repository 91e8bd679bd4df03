import type { Evolve } from './step.ts';

/** A state and the version of the last event it was folded from. */
export interface CachedState {
  readonly version: number;
  readonly state: unknown;
  /** The version of the latest snapshot known of; -1 without one. */
  readonly snapshotAt: number;
}

/** The states of those streams that this process met last. */
export interface StateCache {
  get(stream: string, evolve: Evolve): CachedState | undefined;
  /** Keeps it, unless a later one is there. */
  put(stream: string, evolve: Evolve, cached: CachedState): void;
  forget(stream: string, evolve: Evolve): void;
}

interface Entry extends CachedState {
  readonly bytes: number;
}

/** The states used least recently go first when there are too many, or when they are too large together. */
export function createStateCache({ entriesMax = 10_000, bytesMax = 64 * 2 ** 20 } = {}): StateCache {
  const entries = new Map<string, Entry>();
  let bytes = 0;

  function remove(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  return {
    get(stream, evolve) {
      const key = keyOf(stream, evolve);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry;
    },
    put(stream, evolve, cached) {
      const key = keyOf(stream, evolve);
      if ((entries.get(key)?.version ?? -1) > cached.version) return;
      remove(key);
      const entry = { ...cached, bytes: weigh(cached.state) + 2 * key.length + entryBytes };
      if (entry.bytes > bytesMax) return;
      entries.set(key, entry);
      bytes += entry.bytes;
      for (const [oldest] of entries) {
        if (entries.size <= entriesMax && bytes <= bytesMax) break;
        remove(oldest);
      }
    },
    forget: (stream, evolve) => remove(keyOf(stream, evolve)),
  };
}

const entryBytes = 200;
const numbers = new WeakMap<Evolve, number>();
let last = 0;

/** One stream may be folded in several ways, each of which has a state of its own. */
function keyOf(stream: string, evolve: Evolve): string {
  let number = numbers.get(evolve);
  if (number === undefined) numbers.set(evolve, (number = last += 1));
  return `${number} ${stream}`;
}

/** About how many bytes a value takes: enough to tell small states from large ones. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Map) return [...value].reduce((sum, pair) => sum + weigh(pair), 64);
  if (value instanceof Set) return [...value].reduce<number>((sum, item) => sum + 16 + weigh(item), 64);
  return Object.values(value).reduce<number>((sum, item) => sum + 8 + weigh(item), 32);
}
