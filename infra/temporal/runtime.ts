import type { Logger as TemporalLogger, LogLevel } from '@temporalio/worker';

import type { Logger } from '../logging/log.ts';

let installed: Promise<typeof import('@temporalio/worker')> | undefined;

/**
 * The worker half of Temporal's SDK, loaded when it is first needed since its native part is heavy, with its lines going to
 * our log. There is one runtime a process, so the first caller's log counts.
 */
export function temporalWorkerSdk(log: Logger): Promise<typeof import('@temporalio/worker')> {
  return (installed ??= load(log));
}

async function load(log: Logger): Promise<typeof import('@temporalio/worker')> {
  const sdk = await import('@temporalio/worker');
  sdk.Runtime.install({
    logger: forward(log.child({ part: 'temporal' })),
    // The role hears signals and stops its workers in its own order.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: sdk.makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
    },
  });
  return sdk;
}

// The SDK tells at INFO what only its authors need.
const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

/** Task tokens are long and mean nothing to readers. */
interface SdkMeta {
  readonly error?: unknown;
  readonly taskToken?: unknown;
}

function forward(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta: SdkMeta = {}) => {
    const { error, taskToken: _, ...rest } = meta;
    log[levels[level]](error === undefined ? rest : { ...rest, err: error }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
