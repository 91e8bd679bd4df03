import { commandStream, type CommandRecord } from '#domains/kernel/command-record.ts';
import { fold, type Decider, type DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { isRejection, reject, type Rejection } from '#domains/kernel/rejection.ts';
import { commandUidOf } from '#infra/event-log/event-ids.ts';
import type { AppendResult, EventLog, StreamAppend } from '#infra/event-log/event-log.ts';

import { findOutcome, type CommandOutcome } from './outcome.ts';
import { metadataOf, type CommandRequest } from './request.ts';
import type { Step } from './step.ts';
import { inTurn } from './turns.ts';

// Whoever executes commands needs these, too, and finds them here.
export { findOutcome, type CommandOutcome } from './outcome.ts';
export { systemRequest, type CommandRequest } from './request.ts';
export { step, type Step } from './step.ts';

/** A stream that somebody else writes to at the same moment is decided on anew so often. */
const attempts = 3;

/**
 * Decides and records a command once, whoever asks how often. Each step decides on the state of its stream; what all of them
 * lead to is recorded together with the command's own entry, or not at all. A refusal is an entry of its own, which leaves the
 * streams alone. Throws `LogUnavailable` when the log is out of reach; the same request may then be made again.
 */
export async function execute(log: EventLog, request: CommandRequest, steps: readonly Step[]): Promise<CommandOutcome> {
  // Most commands are new, so their streams are loaded while the command is looked up.
  const [earlier, first] = await Promise.all([earlierOutcome(log, request), loadAll(log, steps)]);
  if (earlier !== null) return earlier;
  const met: string[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const outcome = await inTurn(log, met, async () =>
      attemptOnce(log, request, steps, attempt === 1 ? first : await loadAll(log, steps)),
    );
    if (!('metOn' in outcome)) return outcome;
    met.push(outcome.metOn);
  }
  const rejection = reject('concurrent_change', 'Others changed this at the same moment; look at it again and retry.');
  return recordRefusal(log, request, 'CommandRejected', rejection);
}

/** Decides and records once, or tells on which stream somebody else was faster. */
async function attemptOnce(
  log: EventLog,
  request: CommandRequest,
  steps: readonly Step[],
  histories: Histories,
): Promise<CommandOutcome | { readonly metOn: string }> {
  const plan = decideAll(histories, steps);
  if (isRejection(plan)) return recordRefusal(log, request, 'CommandRejected', plan);
  const appended = await append(log, request, plan, request.recordAs ?? acceptanceOf(request));
  if (appended.ok) return acceptedOutcome(request, plan, appended);
  return appended.conflict === 'event-id' ? outcomeOfTwin(log, request) : { metOn: appended.stream };
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
  decider: Pick<Decider<never, Event, State>, 'initialState' | 'evolve'>,
): Promise<{ state: State; version: number }> {
  const events = await log.readStream(stream);
  return { state: fold(decider, events as unknown as Event[]), version: events.at(-1)?.version ?? -1 };
}

interface History {
  /** The version the stream was at; -1 when it was not there. */
  readonly seen: number;
  readonly events: readonly DomainEvent[];
}

type Histories = ReadonlyMap<string, History>;

async function loadAll(log: EventLog, steps: readonly Step[]): Promise<Histories> {
  const streams = [...new Set(steps.map(({ stream }) => stream))];
  const loaded = await Promise.all(streams.map((stream) => log.readStream(stream)));
  return new Map(streams.map((stream, n) => [stream, historyOf(loaded[n] ?? [])]));
}

function historyOf(events: readonly RecordedEvent[]): History {
  return { seen: events.at(-1)?.version ?? -1, events };
}

/** Every stream that the steps looked at, pinned to the version they saw, with the events they led to. */
type Plan = readonly (StreamAppend & { readonly seen: number })[];

function decideAll(histories: Histories, steps: readonly Step[]): Plan | Rejection {
  const decided = new Map<string, DomainEvent[]>();
  for (const step of steps) {
    const { seen, events } = histories.get(step.stream) ?? historyOf([]);
    const before = decided.get(step.stream) ?? [];
    // A later step on the same stream sees what an earlier one led to.
    const decision = step.decide([...events, ...before]);
    // That something is not there at all says more than that it is not as it was.
    const stale = step.expectedVersion !== undefined && step.expectedVersion !== seen;
    if (stale && !(isRejection(decision) && seen === -1)) return versionMismatch(step.expectedVersion, seen);
    if (isRejection(decision)) return decision;
    decided.set(step.stream, [...before, ...decision]);
  }
  return [...decided].map(([stream, events]) => {
    const { seen } = histories.get(stream) ?? historyOf([]);
    return { stream, seen, expectedVersion: seen === -1 ? 'no-stream' : seen, events };
  });
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
