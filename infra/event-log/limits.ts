import type { EncodedAppend } from './codec.ts';
import type { Append } from './event-log.ts';

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
