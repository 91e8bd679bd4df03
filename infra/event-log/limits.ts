import type { EncodedAppend } from './codec.ts';
import type { Append, EventLog, ExpectedVersion, StreamRange } from './event-log.ts';

/** An event is a fact, not a file: what is larger belongs in the object store, and its hash in the event. */
const eventBytesMax = 256 * 1024;
/** Streams, types and tenants are keys of indexes, which take no more than 2,700 bytes. */
const nameCharactersMax = 255;
/** Versions are PostgreSQL's integers. */
const versionMax = 2 ** 31 - 1;

/** Refuses appends that no log could hold: names that are none, streams named twice, versions that can't be. */
export function checkAppend({ streams, metadata }: Append): void {
  const names = new Set<string>();
  if (metadata.tenantId !== null) checkName("A tenant's id", metadata.tenantId);
  for (const { stream, expectedVersion, events } of streams) {
    checkName("A stream's name", stream);
    checkExpected(stream, expectedVersion);
    for (const { type } of events) checkName("An event's type", type);
    if (names.has(stream)) {
      throw new RangeError(`The append names ${stream} twice; give it one expected version and all its events.`);
    }
    names.add(stream);
  }
}

/** Half of a surrogate pair has no UTF-8: stored, two names that differ in nothing else would be one. PostgreSQL's text has no zero. */
function checkName(what: string, name: string): void {
  if (name === '' || name.length > nameCharactersMax) {
    throw new RangeError(`${what} has 1 to ${nameCharactersMax} characters; this one has ${name.length}.`);
  }
  if (!name.isWellFormed() || name.includes('\0')) {
    throw new RangeError(`${what} is well-formed text without zero characters; ${JSON.stringify(name)} is not.`);
  }
}

function checkExpected(stream: string, expected: ExpectedVersion): void {
  if (expected === 'any' || expected === 'no-stream' || expected === 'exists') return;
  if (Number.isInteger(expected) && expected >= 0 && expected <= versionMax) return;
  throw new RangeError(
    `${stream} is expected to be 'any', 'no-stream', 'exists', or at a version, a whole number from 0 to ${versionMax}; not ${String(expected)}.`,
  );
}

/** Refuses events that are too large. */
export function checkSize({ streams }: EncodedAppend): void {
  for (const { events } of streams) {
    for (const { type, data } of events) {
      if (data.length <= eventBytesMax) continue;
      throw new RangeError(`${type} takes ${data.length} bytes, more than the ${eventBytesMax} an event may have.`);
    }
  }
}

/** Refuses ranges that name no event: a mistake in the caller's arithmetic must not look like an empty stream. */
export function checkRange({ fromVersion = 0, limit = 1, batchSize = 1 }: StreamRange & { batchSize?: number }): void {
  if (!Number.isSafeInteger(fromVersion) || fromVersion < 0) {
    throw new RangeError(`A stream is read from a version, a whole number from 0; not from ${fromVersion}.`);
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`A stream is read with a limit from 1; not with ${limit}.`);
  }
  checkBatchSize(batchSize);
}

/** Refuses positions that no log has, and batches that would never come to an end. */
export function checkReading({
  after,
  batchSize = 1,
}: Pick<Parameters<EventLog['readAll']>[0], 'after' | 'batchSize'>): void {
  if (after < 0n) throw new RangeError(`A log is read after a position, from 0 on; not after ${after}.`);
  checkBatchSize(batchSize);
}

/** Refuses to wait in silence for a log to come to a checkpoint again: what it records until then would never be seen. */
export function checkBeginning(after: bigint, head: bigint): void {
  if (after <= head) return;
  throw new RangeError(
    `The log ends at position ${head}, before ${after}, where this reader has been: it is an older state of the log. Restore the reader's checkpoint of that state, too, or begin anew.`,
  );
}

function checkBatchSize(batchSize: number): void {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Batches have a size from 1; not ${batchSize}.`);
  }
}

/** Refuses what is no time. */
export function checkTime(time: Date): void {
  if (Number.isNaN(time.getTime())) throw new RangeError('A position is looked up by a time; this Date is none.');
}
