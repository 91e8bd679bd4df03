import { eventTypeFilter, streamNameFilter, type AllStreamResolvedEvent, type Filter } from '@eventstore/db-client';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter } from '../event-log.ts';
import { LogUnavailable } from '../log-unavailable.ts';
import { matches } from '../matches.ts';
import { backOff } from '../postgres/transient.ts';
import { isInvalidPosition, isTransient, unavailable, type Connection } from './connection.ts';
import type { Decisions } from './decisions.ts';
import type { Landmarks } from './landmarks.ts';
import { pullFrom } from './pull.ts';
import { abortedType, committedType, decisionCategory, decisionOf, writtenOf } from './records.ts';
import { openSettling, type Found } from './settling.ts';

/** Events in order, and how far they reach: there is nothing more to find up to there. */
export interface Batch {
  readonly events: StoredEvent[];
  readonly upTo: bigint;
}

export interface Following {
  readonly after: bigint;
  readonly filter: ReadFilter;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  /** How long a server may be away at a time before `LogUnavailable` is thrown. */
  readonly patienceMs: number;
}

export interface Parts {
  readonly connection: Connection;
  readonly decisions: Decisions;
  readonly landmarks: Landmarks;
}

/** So long a reader waits for the decision on the next event before it asks for it; mostly it comes with the events. */
const askAfterMs = 20;
/** How long one look for news lasts where there is none; nothing depends on it. */
const idleMs = 60_000;

/**
 * The events of the whole log that count, from a position on, in the order of their positions, for ever. An event whose append is
 * not decided yet holds up those behind it, until it is, or until the append is given up for its writer.
 */
export async function* follow(parts: Parts, following: Following): AsyncGenerator<Batch> {
  const { signal, patienceMs } = following;
  let { after } = following;
  let from = after;
  let giveUpAt = Date.now() + patienceMs;
  for (let retry = 1; !signal.aborted; retry += 1) {
    try {
      for await (const { events, upTo } of followOnce(parts, { ...following, after: from })) {
        retry = 1;
        giveUpAt = Date.now() + patienceMs;
        if (upTo <= after) continue;
        const fresh = events.filter(({ position }) => position > after);
        from = upTo;
        after = upTo;
        yield { events: fresh, upTo };
      }
    } catch (error) {
      // Nothing begins at a position that somebody made up: what follows it is found from a place before it.
      if (isInvalidPosition(error) && from > 0n) from = parts.landmarks.atOrBefore(from - 1n);
      else if (!isTransient(error) && !(error instanceof LogUnavailable)) throw error;
      else if (Date.now() >= giveUpAt) throw unavailable(error);
      else await backOff(retry, signal);
    }
  }
}

/** The same over one subscription, until it fails. */
async function* followOnce(
  { connection, decisions, landmarks }: Parts,
  { after, filter, batchSize, signal }: Following,
): AsyncGenerator<Batch> {
  const subscription = connection.follow(after, serverFilter(filter), batchSize);
  const pull = pullFrom<AllStreamResolvedEvent>(subscription);
  const settling = openSettling(after);
  try {
    let last = after;
    while (!signal.aborted) {
      const wait = settling.waiting === undefined ? idleMs : askAfterMs;
      const news = await pull.take(batchSize, wait, signal);
      for (const one of news) {
        const found = foundOf(one);
        landmarks.note(found.position, one.event?.created ?? new Date(0));
        settling.add(found);
      }
      for (let batch = settling.take(batchSize); batch.upTo > last; batch = settling.take(batchSize)) {
        last = batch.upTo;
        yield { events: batch.events.filter((event) => matches(filter, event)), upTo: batch.upTo };
      }
      const { waiting } = settling;
      if (news.length > 0 || waiting === undefined || signal.aborted) continue;
      settling.know(waiting.attempt.attempt, (await decisions.settle(waiting.attempt, signal)) === 'committed');
    }
  } finally {
    await subscription.unsubscribe();
    subscription.destroy();
  }
}

function foundOf({ event, commitPosition }: AllStreamResolvedEvent): Found {
  if (event === undefined || commitPosition === undefined) return { kind: 'nothing', position: commitPosition ?? 0n };
  const decision = decisionOf(event);
  if (decision !== null) return { kind: 'decision', position: commitPosition, decision };
  const written = writtenOf(event);
  return written === null
    ? { kind: 'nothing', position: commitPosition }
    : { kind: 'event', position: commitPosition, written };
}

/**
 * What the server passes over: by category or by type, as it can't do both, and never the tenant, which stands inside of events.
 * Decisions always pass, since nothing counts without them; and so a reader hears of every append, also one that the filter hides.
 */
function serverFilter({ categories, types }: ReadFilter): Filter {
  if (categories !== undefined) {
    return streamNameFilter({ regex: `^(?:${[decisionCategory, ...categories].map(literal).join('|')})(?:-|$)` });
  }
  if (types !== undefined) {
    return eventTypeFilter({ regex: `^(?:${[committedType, abortedType, ...types].map(literal).join('|')})$` });
  }
  // The server's own streams begin with a dollar.
  return streamNameFilter({ regex: '^[^$]' });
}

const literal = (text: string) => text.replaceAll(/[^A-Za-z0-9_-]/g, String.raw`\$&`);
