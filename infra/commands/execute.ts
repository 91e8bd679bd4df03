import { commandStream, type CommandRecord } from '#domains/kernel/command-record.ts';
import type { Decider, DomainEvent } from '#domains/kernel/decider.ts';
import { isRejection, reject, type Rejection } from '#domains/kernel/rejection.ts';
import { commandUidOf } from '#infra/event-log/event-ids.ts';
import type { AppendResult, EventLog, StreamAppend } from '#infra/event-log/event-log.ts';

import { loadAggregate, rememberAggregate, type Aggregate } from './aggregates.ts';
import { findOutcome, type CommandOutcome } from './outcome.ts';
import { metadataOf, type CommandRequest } from './request.ts';
import { foldOf, type Evolve, type Fold, type Step } from './step.ts';
import { aheadOfNewcomers, inTurn, letPass } from './turns.ts';

// Whoever executes commands needs these, too, and finds them here.
export { findOutcome, type CommandOutcome } from './outcome.ts';
export { systemRequest, type CommandRequest } from './request.ts';
export { step, type Step } from './step.ts';

/**
 * Decides and records a command once, whoever asks how often. Each step decides on the state of its stream; what all of them
 * lead to is recorded together with the command's own entry, or not at all. A refusal is an entry of its own, which leaves the
 * streams alone. Throws `LogUnavailable` when the log is out of reach; the same request may then be made again.
 */
export async function execute(log: EventLog, request: CommandRequest, steps: readonly Step[]): Promise<CommandOutcome> {
  await letPass(
    log,
    steps.map(({ stream }) => stream),
  );
  // Most commands are new, so their streams are loaded while the command is looked up.
  const [earlier, loaded] = await Promise.all([earlierOutcome(log, request), loadAll(log, steps)]);
  if (earlier !== null) return earlier;
  const first = await attemptOnce(log, request, steps, loaded);
  return 'metOn' in first ? decideAgain(log, request, steps, first.metOn) : first;
}

/** Somebody else wrote to a stream at the same moment: decides anew, three times, each time with less company. */
async function decideAgain(
  log: EventLog,
  request: CommandRequest,
  steps: readonly Step[],
  metOn: string,
): Promise<CommandOutcome> {
  const attempt = async () => attemptOnce(log, request, steps, await loadAll(log, steps));
  const second = await inTurn(log, [metOn], attempt);
  if (!('metOn' in second)) return second;
  const last = await aheadOfNewcomers(log, [metOn, second.metOn], async () => {
    const third = await attempt();
    // Those who came just before are over now.
    return 'metOn' in third ? attempt() : third;
  });
  if (!('metOn' in last)) return last;
  const rejection = reject('concurrent_change', 'Others changed this at the same moment; look at it again and retry.');
  return recordRefusal(log, request, 'CommandRejected', rejection);
}

/** Decides and records once, or tells on which stream somebody else was faster. */
async function attemptOnce(
  log: EventLog,
  request: CommandRequest,
  steps: readonly Step[],
  aggregates: Aggregates,
): Promise<CommandOutcome | { readonly metOn: string }> {
  const plan = decideAll(aggregates, steps);
  if (isRejection(plan)) return recordRefusal(log, request, 'CommandRejected', plan);
  const appended = await append(log, request, plan, request.recordAs ?? acceptanceOf(request));
  if (appended.ok) {
    if (!appended.repeated) remember(log, steps, plan);
    return acceptedOutcome(request, plan, appended);
  }
  return appended.conflict === 'event-id' ? outcomeOfTwin(log, request) : { metOn: appended.stream };
}

/** The next command on the streams need not read what this one wrote. */
function remember(log: EventLog, steps: readonly Step[], plan: Plan): void {
  for (const { stream, fold } of steps) {
    const planned = plan.find((one) => one.stream === stream);
    if (planned === undefined) continue;
    const { seen, events, states } = planned;
    rememberAggregate(log, stream, fold, { version: seen + events.length, state: states.get(fold.evolve), events });
  }
}

/** Records that somebody was not allowed to do what they asked for; a repeat of the request gets the same answer. */
export async function recordDenial(
  log: EventLog,
  request: CommandRequest,
  rejection: Rejection,
): Promise<CommandOutcome> {
  return (await earlierOutcome(log, request)) ?? recordRefusal(log, request, 'CommandDenied', rejection);
}

/** The state of a stream and the version it is of; -1 for a stream that is not there. */
export async function loadState<Event extends DomainEvent, State>(
  log: EventLog,
  stream: string,
  decider: Pick<Decider<never, Event, State>, 'initialState' | 'evolve' | 'revision'>,
): Promise<{ state: State; version: number }> {
  const fold = foldOf(decider);
  const { version, states } = await loadAggregate(log, stream, [fold]);
  return { state: states.get(fold.evolve) as State, version };
}

type Aggregates = ReadonlyMap<string, Aggregate>;

async function loadAll(log: EventLog, steps: readonly Step[]): Promise<Aggregates> {
  const folds = new Map<string, Map<Evolve, Fold>>();
  for (const { stream, fold } of steps) {
    folds.set(stream, (folds.get(stream) ?? new Map<Evolve, Fold>()).set(fold.evolve, fold));
  }
  const loaded = [...folds].map(
    async ([stream, ways]) => [stream, await loadAggregate(log, stream, [...ways.values()])] as const,
  );
  return new Map(await Promise.all(loaded));
}

/** Every stream that the steps looked at, pinned to the version they saw, with the events they led to and the states after these. */
type Plan = readonly (StreamAppend & { readonly seen: number; readonly states: ReadonlyMap<Evolve, unknown> })[];

function decideAll(aggregates: Aggregates, steps: readonly Step[]): Plan | Rejection {
  const decided = new Map<string, { readonly events: DomainEvent[]; readonly states: Map<Evolve, unknown> }>();
  for (const step of steps) {
    const { version: seen, states } = aggregates.get(step.stream) ?? nothing;
    // A later step on the same stream sees what an earlier one led to.
    const now = decided.get(step.stream) ?? { events: [], states: new Map(states) };
    const decision = step.decide(now.states.get(step.fold.evolve));
    // That something is not there at all says more than that it is not as it was.
    const stale = step.expectedVersion !== undefined && step.expectedVersion !== seen;
    if (stale && !(isRejection(decision) && seen === -1)) return versionMismatch(step.expectedVersion, seen);
    if (isRejection(decision)) return decision;
    now.events.push(...decision);
    for (const [evolve, state] of now.states) now.states.set(evolve, decision.reduce(plainly(evolve), state));
    decided.set(step.stream, now);
  }
  return [...decided].map(([stream, { events, states }]) => {
    const { version: seen } = aggregates.get(stream) ?? nothing;
    return { stream, seen, states, expectedVersion: seen === -1 ? 'no-stream' : seen, events };
  });
}

const nothing: Aggregate = { version: -1, states: new Map() };

/** `reduce` hands on more than a fold is to see. */
function plainly(evolve: Evolve): Evolve {
  return (state, event) => evolve(state, event);
}

function versionMismatch(expected: number | undefined, seen: number): Rejection {
  const now = seen === -1 ? 'is not there' : `is at version ${seen}`;
  return reject('version_mismatch', `It ${now}, not at version ${expected}; look at it again before you change it.`);
}

function streamOf(request: CommandRequest): string {
  return commandStream(commandUidOf(request.actor, request.commandId));
}

function append(
  log: EventLog,
  request: CommandRequest,
  plan: readonly StreamAppend[],
  record: DomainEvent,
): Promise<AppendResult> {
  return log.append({
    commandUid: commandUidOf(request.actor, request.commandId),
    metadata: metadataOf(request),
    // The record comes last: its position is that of the whole command.
    streams: [...plan, { stream: streamOf(request), expectedVersion: 'no-stream', events: [record] }],
  });
}

function recorded({ action, target, requestHmac }: CommandRequest) {
  return { action, targetKind: target.kind, targetId: target.id, requestHmac };
}

function acceptanceOf(request: CommandRequest): CommandRecord {
  return { type: 'CommandAccepted', data: { ...recorded(request), result: { ...request.result } } };
}

function acceptedOutcome(
  request: CommandRequest,
  plan: Plan,
  { lastPosition, repeated }: { lastPosition: bigint; repeated: boolean },
): CommandOutcome {
  const written = plan.filter(({ events }) => events.length > 0);
  const versions = Object.fromEntries(written.map(({ stream, seen, events }) => [stream, seen + events.length]));
  return {
    outcome: 'accepted',
    position: lastPosition,
    repeated,
    target: request.target,
    result: request.result ?? {},
    versions,
  };
}

async function recordRefusal(
  log: EventLog,
  request: CommandRequest,
  type: 'CommandRejected' | 'CommandDenied',
  rejection: Rejection,
): Promise<CommandOutcome> {
  const { code, detail } = rejection;
  const appended = await append(log, request, [], { type, data: { ...recorded(request), code, detail } });
  if (!appended.ok) return outcomeOfTwin(log, request);
  const outcome = type === 'CommandDenied' ? 'denied' : 'rejected';
  return { outcome, position: appended.lastPosition, repeated: appended.repeated, rejection };
}

function earlierOutcome(log: EventLog, { actor, commandId, requestHmac }: CommandRequest) {
  return findOutcome(log, actor, commandId, requestHmac);
}

/** The same command came twice at the same moment, and the other one was first. */
async function outcomeOfTwin(log: EventLog, request: CommandRequest): Promise<CommandOutcome> {
  const outcome = await earlierOutcome(log, request);
  if (outcome === null) throw new Error(`The log holds events of command ${request.commandId} but not its record.`);
  return outcome;
}
