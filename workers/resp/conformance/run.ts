import { createComparison } from './compare.ts';
import { comparableMessages } from './compare-messages.ts';
import type { Side } from './pair.ts';
import { shrink } from './shrink.ts';
import { CONNECTIONS, PIPELINE_MAX, planSteps } from './steps.ts';
import type { Step } from './steps.ts';

/** Connections that are compared: those that send and the one that waits. */
const WAITER = CONNECTIONS;
/** The connection whose commands always run at once. */
const CONTROL = CONNECTIONS + 1;
/** The connection that subscribes and has its reads tracked. */
const LISTENER = CONNECTIONS + 2;

/** A request to which the two servers gave different answers. */
export interface Difference {
  readonly request: readonly string[];
  readonly ours: string;
  readonly theirs: string;
  /** The fewest steps before it that still lead to it, in order. */
  readonly before: readonly string[];
}

interface Found {
  readonly request: readonly string[];
  readonly ours: string;
  readonly theirs: string;
  /** How many steps had been taken, the one that differs included. */
  readonly taken: number;
}

/**
 * Does to both servers what follows from the seed, and returns the first difference, if there is one, with as few steps
 * before it as lead to it.
 */
export async function findDifference(
  ours: Side,
  theirs: Side,
  seed: number,
  count: number,
): Promise<Difference | undefined> {
  const protocol = seed % 2 === 0 ? '2' : '3';
  const replay = (steps: readonly Step[]): Promise<Found | undefined> => takeSteps(ours, theirs, protocol, steps);
  const steps = planSteps(seed, count);
  const found = await replay(steps);
  if (found === undefined) return undefined;
  const least = await shrink(steps.slice(0, found.taken), async (fewer) => (await replay(fewer))?.taken);
  // What depends on chance may not show again; then it is told as it was found.
  const again = (await replay(least)) ?? found;
  return { request: again.request, ours: again.ours, theirs: again.theirs, before: least.map(shown) };
}

function shown(step: Step): string {
  switch (step.kind) {
    case 'send':
      return `${step.connection}> ${step.request.map((word) => JSON.stringify(word)).join(' ')}`;
    case 'expire':
      return `${CONTROL}> ${step.request.join(' ')}, and wait`;
    case 'hear':
      return `${LISTENER}> ${step.request.map((word) => JSON.stringify(word)).join(' ')}, and hear`;
    case 'block':
      return `${WAITER}> ${step.request.join(' ')}`;
    default:
      return step.kind;
  }
}

async function takeSteps(
  ours: Side,
  theirs: Side,
  protocol: string,
  steps: readonly Step[],
): Promise<Found | undefined> {
  await Promise.all([ours.reset(protocol), theirs.reset(protocol)]);
  const same = Array.from({ length: CONNECTIONS + 2 }, () => createComparison());
  let waiting: readonly string[] | undefined;
  for (let at = 0; at < steps.length;) {
    const step = steps[at]!;
    if (step.kind === 'send') {
      const requests = pipelineFrom(steps, at);
      const { connection } = step;
      const [left, right] = await Promise.all([ours.send(connection, requests), theirs.send(connection, requests)]);
      for (const [i, request] of requests.entries()) {
        const difference = { request, ours: left[i]!, theirs: right[i]!, taken: at + i + 1 };
        if (!same[connection]!(request, left[i]!, right[i]!)) return difference;
      }
      at += requests.length;
      continue;
    }
    at++;
    if (step.kind === 'expire') {
      const [left, right] = await Promise.all([ours.expire(step.request), theirs.expire(step.request)]);
      if (!same[CONTROL]!(step.request, left, right))
        return { request: step.request, ours: left, theirs: right, taken: at };
    } else if (step.kind === 'hear') {
      const heard = await Promise.all([ours.hear(step.request), theirs.hear(step.request)]);
      const [left, right] = heard.map((messages) => comparableMessages(step.request, messages)) as [string, string];
      if (left !== right) return { request: step.request, ours: left, theirs: right, taken: at };
    } else {
      const [left, right] = await Promise.all([ours.collect(), theirs.collect()]);
      if (waiting !== undefined && !same[WAITER]!(waiting, left ?? '', right ?? ''))
        return { request: waiting, ours: left ?? '', theirs: right ?? '', taken: at };
      waiting = undefined;
    }
    if (step.kind === 'block') {
      waiting = step.request;
      await Promise.all([ours.block(step.request), theirs.block(step.request)]);
    }
  }
  return undefined;
}

/** The requests of one connection that follow each other, as one pipeline. */
function pipelineFrom(steps: readonly Step[], from: number): (readonly string[])[] {
  const requests: (readonly string[])[] = [];
  let connection: number | undefined;
  for (let at = from; at < steps.length && requests.length < PIPELINE_MAX; at++) {
    const step = steps[at]!;
    if (step.kind !== 'send' || (connection !== undefined && step.connection !== connection)) break;
    ({ connection } = step);
    requests.push(step.request);
  }
  return requests;
}
