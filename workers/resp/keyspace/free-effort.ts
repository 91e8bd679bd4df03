import type { StreamValue } from './stream-value.ts';
import type { Value } from './value.ts';

/** Values of more parts than this Redis frees in another thread. */
const LAZY_MIN = 64;

/** Whether a value has so many parts that Redis would free it in the background when told to. */
export function isFreedLazily(value: Value): boolean {
  return effortOf(value) > LAZY_MIN;
}

function effortOf(value: Value): number {
  if (typeof value === 'string') return 1;
  switch (value.kind) {
    case 'string':
      return 1;
    case 'list':
      return value.encoding() === 'quicklist' ? value.chunkCount : 1;
    case 'set':
    case 'hash':
      return value.encoding === 'hashtable' ? value.size : 1;
    case 'zset':
      return value.encoding === 'skiplist' ? value.size : 1;
    case 'stream':
      return streamEffort(value);
  }
}

/** As Redis estimates it: the blocks, and what the first group has pending for each of the groups. */
function streamEffort({ blocks, groups }: StreamValue): number {
  const effort = blocks.length;
  for (const group of groups?.values() ?? []) return effort + (groups?.size ?? 0) * (1 + group.pending.size);
  return Math.max(effort, 1);
}
