import { createHash } from 'node:crypto';

import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { fingerprint, personalFields } from '#schemas/registry.ts';

import { createStateCache, type CachedState, type StateCache } from './state-cache.ts';
import { stateOfText, textOfState } from './state-text.ts';
import type { Evolve, Fold } from './step.ts';

/** A stream as it was at one version (-1: not there), with the state that each way of folding it gives. */
export interface Aggregate {
  readonly version: number;
  readonly states: ReadonlyMap<Evolve, unknown>;
}

/** A stream gets a snapshot when so many events have come since its last one. */
const snapshotEvery = 100;
const snapshotCharactersMax = 2 ** 20;

const caches = new WeakMap<EventLog, StateCache>();

function cacheOf(log: EventLog): StateCache {
  let cache = caches.get(log);
  if (cache === undefined) caches.set(log, (cache = createStateCache()));
  return cache;
}

/**
 * The stream as it is now. What this process knows of it already is not read again: only what has come since. The log is asked
 * each time, so that nothing is ever decided, and most of all refused, on what is no longer so.
 */
export async function loadAggregate(log: EventLog, stream: string, folds: readonly Fold[]): Promise<Aggregate> {
  const [fold, other] = folds;
  if (fold !== undefined && other === undefined) {
    const { version, state } = await loadOne(log, stream, fold);
    return { version, states: new Map([[fold.evolve, state]]) };
  }
  // Whoever looks at one stream in several ways at once is to see one version of it.
  const events = await log.readStream(stream);
  const states = folds.map(
    ({ initialState, evolve }) =>
      [evolve, events.reduce((state: unknown, event) => evolve(state, event), initialState)] as const,
  );
  return { version: events.at(-1)?.version ?? -1, states: new Map(states) };
}

async function loadOne(log: EventLog, stream: string, fold: Fold): Promise<CachedState> {
  const cache = cacheOf(log);
  const known = cache.get(stream, fold.evolve);
  const current = known === undefined ? null : await readOn(log, stream, fold, { ...known, personal: false });
  const at = current ?? (await loadAnew(log, stream, fold));
  if (known !== undefined && current === null) cache.forget(stream, fold.evolve);
  if (!at.personal) keep(log, stream, fold, at);
  return at;
}

/** A state on its way: whether it knows of an event about a person. */
interface Folded extends CachedState {
  readonly personal: boolean;
}

async function loadAnew(log: EventLog, stream: string, fold: Fold): Promise<Folded> {
  const nothing: Folded = { version: -1, state: fold.initialState, snapshotAt: -1, personal: false };
  const events = await log.readStream(stream, { limit: snapshotEvery });
  const beginning = foldOn(fold, nothing, events);
  // Only a stream that is longer than this may have a snapshot.
  if (events.length < snapshotEvery) return beginning;
  const snapshot = beginning.personal ? null : await readSnapshot(log, stream, fold);
  const fromSnapshot = snapshot === null ? null : await readOn(log, stream, fold, { ...snapshot, personal: false });
  return fromSnapshot ?? (await readOn(log, stream, fold, beginning)) ?? nothing;
}

/**
 * What has come since. The last event that is known is read with it: null when it is not there, as after the database was put back to
 * an earlier day under a process that knows of a later one.
 */
async function readOn(log: EventLog, stream: string, fold: Fold, from: Folded): Promise<Folded | null> {
  let at = from;
  let isThere = from.version === -1;
  for await (const batch of log.readStreamBatches(stream, { fromVersion: Math.max(0, from.version) })) {
    isThere ||= batch[0]?.version === from.version;
    at = foldOn(
      fold,
      at,
      batch.filter(({ version }) => version > from.version),
    );
  }
  return isThere ? at : null;
}

function foldOn({ evolve }: Fold, from: Folded, events: readonly RecordedEvent[]): Folded {
  return {
    version: events.at(-1)?.version ?? from.version,
    state: events.reduce((state, event) => evolve(state, event), from.state),
    snapshotAt: from.snapshotAt,
    personal: from.personal || events.some(isPersonal),
  };
}

/** Notes what a stream is after an append of these events: the next command on it need not read them. */
export function rememberAggregate(
  log: EventLog,
  stream: string,
  fold: Fold,
  after: { readonly version: number; readonly state: unknown; readonly events: readonly DomainEvent[] },
): void {
  const known = cacheOf(log).get(stream, fold.evolve);
  // A state that was not kept as it was before is not to be kept as it is now.
  if (known?.version !== after.version - after.events.length || after.events.some(isPersonal)) return;
  keep(log, stream, fold, { version: after.version, state: after.state, snapshotAt: known.snapshotAt });
}

function keep(log: EventLog, stream: string, fold: Fold, { version, state, snapshotAt }: CachedState): void {
  const due = log.snapshots !== undefined && version - snapshotAt >= snapshotEvery;
  cacheOf(log).put(stream, fold.evolve, { version, state, snapshotAt: due ? version : snapshotAt });
  if (due) void writeSnapshot(log, stream, fold, version, state);
}

/**
 * Whether an event is about a person. States that know such events are neither kept nor made snapshots of: whoever is erased is
 * erased at once, and the log, where the key is gone, is the only place to look.
 */
function isPersonal({ type }: DomainEvent): boolean {
  return personalFields(type).length > 0;
}

async function readSnapshot(log: EventLog, stream: string, fold: Fold): Promise<CachedState | null> {
  try {
    const snapshot = (await log.snapshots?.read(stream, shapeOf(fold))) ?? null;
    if (snapshot === null) return null;
    return { version: snapshot.version, state: stateOfText(snapshot.state), snapshotAt: snapshot.version };
  } catch {
    // One that can't be read is as good as none.
    return null;
  }
}

/** Nobody waits for it, and nothing is lost when it fails: the next one is made a hundred events later. */
async function writeSnapshot(
  log: EventLog,
  stream: string,
  fold: Fold,
  version: number,
  state: unknown,
): Promise<void> {
  const text = textOfState(state);
  if (text === null || text.length > snapshotCharactersMax) return;
  await log.snapshots?.write(stream, shapeOf(fold), { version, state: text }).catch(() => {});
}

const shapes = new WeakMap<Evolve, { readonly revision: number; readonly shape: string }>();

/**
 * What a state was folded by and from: another text of `evolve`, another revision, another beginning, or other schemas make states
 * that are not comparable.
 */
function shapeOf({ evolve, initialState, revision }: Fold): string {
  const known = shapes.get(evolve);
  if (known?.revision === revision) return known.shape;
  const parts = [fingerprint(), String(evolve), textOfState(initialState), revision];
  const shape = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  shapes.set(evolve, { revision, shape });
  return shape;
}
