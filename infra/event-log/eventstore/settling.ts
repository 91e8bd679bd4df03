import type { StoredEvent } from '../codec.ts';
import type { Decision, Written } from './records.ts';

/** What lies in the log at a position: an event of ours, a decision, or something that is none of our business (`nothing`). */
export type Found =
  | { readonly kind: 'event'; readonly position: bigint; readonly written: Written }
  | {
      readonly kind: 'decision';
      readonly position: bigint;
      readonly decision: Decision & { readonly commandUid: string };
    }
  | { readonly kind: 'nothing'; readonly position: bigint };

/** Events that wait for their decision, in the order of the log. */
export interface Settling {
  add(found: Found): void;
  /** Takes note of a decision that was looked up instead of met. */
  know(attempt: string, committed: boolean): void;
  /** The events at the front that are decided and count, at most so many, and how far the log is settled then. */
  take(max: number): { readonly events: StoredEvent[]; readonly upTo: bigint };
  /** The first event that waits. */
  readonly waiting: Written | undefined;
}

/** So many fates are kept; one that was forgotten is looked up again. */
const rememberedMax = 50_000;

/** Puts a log in order whose events count only once it was decided that they do; `after` is where the reader begins. */
export function openSettling(after: bigint): Settling {
  let waiting: { readonly written: Written; readonly before: bigint }[] = [];
  let seen = after;
  /** By try, whether it counts; and by append, the try that does. */
  const fates = new Map<string, boolean>();
  const winners = new Map<string, string>();

  function fateOf({ attempt, commandUid }: Written['attempt']): boolean | undefined {
    const winner = winners.get(commandUid);
    return winner === undefined ? fates.get(attempt) : winner === attempt;
  }

  function know(attempt: string, committed: boolean): void {
    fates.set(attempt, committed);
    forgetOldest(fates);
  }

  return {
    get waiting() {
      return waiting[0]?.written;
    },
    know,
    add(found) {
      if (found.kind === 'event') waiting.push({ written: found.written, before: seen });
      if (found.kind === 'decision') {
        const { commandUid, attempt, committed } = found.decision;
        know(attempt, committed);
        if (committed) winners.set(commandUid, attempt);
        forgetOldest(winners);
      }
      seen = found.position;
    },
    take(max) {
      const events: StoredEvent[] = [];
      let taken = 0;
      for (const { written } of waiting) {
        const counts = fateOf(written.attempt);
        if (counts === undefined || events.length === max) break;
        taken += 1;
        if (counts) events.push(written.event);
      }
      waiting = waiting.slice(taken);
      return { events, upTo: waiting[0]?.before ?? seen };
    },
  };
}

function forgetOldest<Value>(map: Map<string, Value>): void {
  if (map.size <= rememberedMax) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
