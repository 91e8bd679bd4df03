import { setTimeout as sleep } from 'node:timers/promises';

import type { NativeConnection, Worker } from '@temporalio/worker';

import type { Logger } from '../logging/log.ts';
import { temporalWorkerSdk } from './runtime.ts';
import type { WorkflowBundle } from './workflow-bundle.ts';

export interface TemporalWorkerOptions {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Asked for again when it failed; the signal aborts when the worker is stopped. */
  readonly bundle: (signal: AbortSignal) => Promise<WorkflowBundle>;
  readonly activities: object;
  readonly log: Logger;
}

/** `connecting` for as long as the server is away; `problem` says what stood in the way last. */
export interface TemporalWorkerStatus {
  readonly state: 'connecting' | 'polling' | 'stopped';
  readonly problem: string | null;
}

export interface TemporalWorker {
  status(): TemporalWorkerStatus;
  /** Takes no new task on, gives running activities a moment, then interrupts them; another worker goes on with them. */
  stop(): Promise<void>;
}

const retryMin_ms = 250;
const retryMax_ms = 5000;

/**
 * Keeps a worker polling for as long as the process lives: it waits for a server that is not up yet, and is made anew,
 * connection and all, whenever it dies, as it does when the server comes back without its database. Returns at once.
 */
export function keepWorking(options: TemporalWorkerOptions): TemporalWorker {
  const { log } = options;
  const stopping = new AbortController();
  let status: TemporalWorkerStatus = { state: 'connecting', problem: null };
  let current: Worker | undefined;

  const live = async (): Promise<void> => {
    const { connection, worker } = await createWorker(options, stopping.signal);
    try {
      current = worker;
      if (stopping.signal.aborted) return;
      const running = worker.run();
      status = { state: 'polling', problem: null };
      log.info({ address: options.address, taskQueue: options.taskQueue }, 'taking workflow tasks');
      await running;
    } finally {
      current = undefined;
      await connection.close().catch(() => {});
    }
  };

  const keep = async (): Promise<void> => {
    let delay_ms = retryMin_ms;
    while (!stopping.signal.aborted) {
      const began = performance.now();
      try {
        await live();
        if (stopping.signal.aborted) break;
        status = { state: 'connecting', problem: 'The worker ended.' };
      } catch (error) {
        const problem = problemOf(error, options.address);
        // A server that is being built is away for minutes: one line about it is enough.
        if (problem !== status.problem) log.warn({ problem }, 'waiting for Temporal');
        log.debug({ err: error }, 'no Temporal worker');
        status = { state: 'connecting', problem };
      }
      delay_ms = performance.now() - began > 10_000 ? retryMin_ms : Math.min(delay_ms * 1.5, retryMax_ms);
      await sleep(delay_ms, undefined, { signal: stopping.signal }).catch(() => {});
    }
    status = { state: 'stopped', problem: null };
  };
  const kept = keep();

  return {
    status: () => status,
    stop: async () => {
      stopping.abort();
      if (current?.getState() === 'RUNNING') current.shutdown();
      await kept;
    },
  };
}

function problemOf(error: unknown, address: string): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'TransportError' ? `Temporal at ${address} does not answer.` : error.message;
}

async function createWorker(
  options: TemporalWorkerOptions,
  signal: AbortSignal,
): Promise<{ connection: NativeConnection; worker: Worker }> {
  const workflowBundle = await options.bundle(signal);
  const sdk = await temporalWorkerSdk(options.log);
  const connection = await sdk.NativeConnection.connect({ address: options.address });
  try {
    const worker = await sdk.Worker.create({
      connection,
      namespace: options.namespace,
      taskQueue: options.taskQueue,
      workflowBundle,
      activities: options.activities,
      maxConcurrentActivityTaskExecutions: 20,
      maxCachedWorkflows: 200,
      // A killed worker's tasks go to its successor after this time instead of the usual ten seconds.
      stickyQueueScheduleToStartTimeout: '2s',
      // Heartbeats are how a dead worker is noticed, so they are sent as often as activities give them.
      maxHeartbeatThrottleInterval: '1s',
      defaultHeartbeatThrottleInterval: '1s',
      // One that can't go on, such as after an upgrade that changed its code, ends as failed and is started anew from what the log
      // says; by default it would be retried for ever.
      workflowFailureErrorTypes: { '*': ['Error'] },
      shutdownGraceTime: '1s',
      shutdownForceTime: '5s',
    });
    return { connection, worker };
  } catch (error) {
    await connection.close().catch(() => {});
    throw error;
  }
}
