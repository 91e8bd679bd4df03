import type { Connection } from './connection.ts';
import type { Decisions } from './decisions.ts';
import type { Landmarks } from './landmarks.ts';
import { decisionOf, writtenOf, type Written } from './records.ts';

interface Parts {
  readonly connection: Connection;
  readonly decisions: Decisions;
  readonly landmarks: Landmarks;
}

/** The last event and its decision are mostly among so many; further ones are read in larger pages. */
const [firstPage, furtherPages] = [16, 256];

/** The position of the last event that counts; 0n if none does. */
export async function readHead(parts: Parts): Promise<bigint> {
  for await (const { event } of backward(parts, 'end')) return event.position;
  return 0n;
}

/** The position of the last event that counts and was recorded at or before a time; 0n if none. */
export async function readPositionAt(parts: Parts, time: Date): Promise<bigint> {
  for await (const { event } of backward(parts, parts.landmarks.after(time))) {
    if (Date.parse(event.recordedAt) <= time.getTime()) return event.position;
  }
  return 0n;
}

/** The events before a position that count, the latest first. */
async function* backward({ connection, decisions, landmarks }: Parts, before: bigint | 'end'): AsyncGenerator<Written> {
  /** A decision stands behind its events, so whoever comes from the end meets it first. */
  const committed = new Set<string>();
  for (let [from, count] = [before, firstPage]; ; count = furtherPages) {
    const page = await connection.readAllBackward(from, count);
    for (const event of page) {
      const decision = decisionOf(event);
      if (decision?.committed === true) committed.add(decision.attempt);
      const written = writtenOf(event);
      if (written === null) continue;
      landmarks.note(written.event.position, event.created);
      const { attempt } = written;
      const counts = committed.has(attempt.attempt);
      if (counts || (before !== 'end' && (await decisions.fateOf(attempt)) === 'committed')) yield written;
    }
    const last = page.at(-1);
    if (last?.position === undefined) return;
    from = last.position.commit;
  }
}
