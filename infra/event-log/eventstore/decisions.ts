import { setTimeout as sleep } from 'node:timers/promises';

import type { Connection } from './connection.ts';
import { decisionEvent, decisionOf, decisionStreamOf, type Attempt, type Decision } from './records.ts';

/** What is known of a try: it counts, it never will, or nobody has decided yet. */
type Fate = 'committed' | 'void' | 'undecided';

/** What was decided about one append so far. */
export interface Decided {
  readonly committed: Extract<Decision, { committed: true }> | null;
  readonly aborted: ReadonlySet<string>;
  /** The revision of the last decision; null when there is none. */
  readonly revision: bigint | null;
}

/**
 * The decisions about appends. Each append has a stream of its own for them; whoever writes there names the revision that he has
 * seen, so at most one try is ever committed, and never one that somebody else has aborted.
 */
export interface Decisions {
  read(commandUid: string): Promise<Decided>;
  /** Writes a decision after those that were seen; false when somebody else has decided meanwhile. */
  write(commandUid: string, after: Decided, decision: Decision): Promise<boolean>;
  fateOf(attempt: Attempt): Promise<Fate>;
  /** Decides that a try never counts, unless it was decided otherwise before; returns what holds now. */
  abort(attempt: Attempt): Promise<'committed' | 'void'>;
  /**
   * What becomes of somebody else's try: his decision, waited for; and when it does not come, as after a crash, the try is aborted
   * here. Afterwards it is decided for good.
   */
  settle(attempt: Attempt, signal?: AbortSignal): Promise<'committed' | 'void'>;
}

/** So many fates are remembered; a fate that was decided never changes. */
const rememberedMax = 20_000;
const [firstPauseMs, longestPauseMs] = [2, 100];

/** `graceMs`: how long the process that began a try has for its decision before others abort it. */
export function openDecisions(connection: Connection, graceMs: number): Decisions {
  const remembered = new Map<string, 'committed' | 'void'>();

  async function read(commandUid: string): Promise<Decided> {
    const events = await connection.readStream(decisionStreamOf(commandUid), 'start', 'forwards');
    const aborted = new Set<string>();
    let committed: Decided['committed'] = null;
    for (const event of events) {
      const decision = decisionOf(event);
      if (decision?.committed === true) committed ??= decision;
      else if (decision?.committed === false) aborted.add(decision.attempt);
    }
    return { committed, aborted, revision: events.at(-1)?.revision ?? null };
  }

  function remember(attempt: string, fate: 'committed' | 'void'): 'committed' | 'void' {
    remembered.set(attempt, fate);
    if (remembered.size > rememberedMax) {
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    }
    return fate;
  }

  async function fateOf({ commandUid, attempt }: Attempt): Promise<Fate> {
    const known = remembered.get(attempt);
    if (known !== undefined) return known;
    const fate = fateIn(await read(commandUid), attempt);
    return fate === 'undecided' ? fate : remember(attempt, fate);
  }

  const write: Decisions['write'] = async (commandUid, { revision }, decision) => {
    const event = decisionEvent(commandUid, decision);
    return (await connection.write(decisionStreamOf(commandUid), revision, [event])) !== false;
  };

  async function abort({ commandUid, attempt }: Attempt): Promise<'committed' | 'void'> {
    for (;;) {
      const decided = await read(commandUid);
      const fate = fateIn(decided, attempt);
      if (fate !== 'undecided') return remember(attempt, fate);
      // Who is late with his own decision finds this one in its place.
      await write(commandUid, decided, { committed: false, attempt });
    }
  }

  return {
    read,
    write,
    fateOf,
    abort,
    async settle(attempt, signal) {
      const giveUpAt = performance.now() + graceMs;
      let pauseMs = firstPauseMs;
      for (;;) {
        const fate = await fateOf(attempt);
        if (fate !== 'undecided') return fate;
        if (performance.now() >= giveUpAt) break;
        await sleep(Math.min(pauseMs, giveUpAt - performance.now()), undefined, signal === undefined ? {} : { signal });
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
      return abort(attempt);
    },
  };
}

/** One append counts once: when a try of it is committed, all others are void, decided or not. */
function fateIn({ committed, aborted }: Decided, attempt: string): Fate {
  if (committed !== null) return committed.attempt === attempt ? 'committed' : 'void';
  return aborted.has(attempt) ? 'void' : 'undecided';
}
