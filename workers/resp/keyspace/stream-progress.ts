import type { StreamGroup } from './stream-group.ts';
import { MIN_ID } from './stream-id.ts';
import type { StreamId } from './stream-id.ts';
import type { StreamValue } from './stream-value.ts';

/** Whether entries may have been deleted from an ID on, other than before the first that is left. */
function hasHolesFrom({ firstId, maxDeletedId, size }: StreamValue, start: StreamId): boolean {
  return size > 0 && maxDeletedId !== MIN_ID && firstId <= maxDeletedId && start <= maxDeletedId;
}

/** How many entries were ever added up to an ID, or -1 where Redis can't tell either. */
export function countUpTo(stream: StreamValue, id: StreamId): number {
  const { entriesAdded, firstId, lastId, maxDeletedId, size } = stream;
  if (entriesAdded === 0) return 0;
  if ((size === 0 && id <= lastId) || id === lastId) return entriesAdded;
  if (id > lastId) return -1;
  if (maxDeletedId !== MIN_ID && maxDeletedId >= firstId) return -1;
  if (id < firstId) return entriesAdded - size;
  return id === firstId ? entriesAdded - size + 1 : -1;
}

/** Moves a group's position on to an entry that is being delivered. */
export function advance(stream: StreamValue, group: StreamGroup, id: StreamId): void {
  if (group.entriesRead !== -1 && !hasHolesFrom(stream, id)) group.entriesRead++;
  else if (stream.entriesAdded > 0) group.entriesRead = countUpTo(stream, id);
  group.lastId = id;
}

/** How many entries a group still has before it; undefined when that is not known. */
export function lagOf(stream: StreamValue, group: StreamGroup): number | undefined {
  if (stream.entriesAdded === 0) return 0;
  const known = group.entriesRead !== -1 && !hasHolesFrom(stream, group.lastId);
  const read = known ? group.entriesRead : countUpTo(stream, group.lastId);
  return read === -1 ? undefined : stream.entriesAdded - read;
}
