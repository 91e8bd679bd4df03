import type { EncodedAppend } from './codec.ts';
import type { Append, StreamRange } from './event-log.ts';

/** An event is a fact, not a file: what is larger belongs in the object store, and its hash in the event. */
const eventBytesMax = 256 * 1024;
/** Streams are keys of an index, which takes no more than 2,700 bytes. */
const streamCharactersMax = 255;

/** Refuses appends that no log could hold: streams without a proper name, or named twice. */
export function checkAppend({ streams }: Append): void {
  const names = new Set<string>();
  for (const { stream } of streams) {
    if (stream === '' || stream.length > streamCharactersMax) {
      throw new RangeError(
        `A stream's name has 1 to ${streamCharactersMax} characters; this one has ${stream.length}.`,
      );
    }
    if (names.has(stream)) {
      throw new RangeError(`The append names ${stream} twice; give it one expected version and all its events.`);
    }
    names.add(stream);
  }
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
export function checkRange({ fromVersion = 0, limit = 1 }: StreamRange): void {
  if (!Number.isSafeInteger(fromVersion) || fromVersion < 0) {
    throw new RangeError(`A stream is read from a version, a whole number from 0; not from ${fromVersion}.`);
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`A stream is read with a limit from 1; not with ${limit}.`);
  }
}
