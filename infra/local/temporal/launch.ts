import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { logFile, openLog } from '../home.ts';
import { follow, type Launched } from '../launch.ts';
import type { TemporalProgram } from './program.ts';

/** What a Temporal server is started with. */
export interface TemporalOptions {
  readonly program: TemporalProgram;
  readonly home: string;
  readonly databaseUrl: string;
  readonly port: number;
  /** Seven more ports, for the services of the built program among themselves. */
  readonly internalPorts: readonly number[];
  readonly namespace: string;
}

/** The built program stops within five seconds of being asked. */
const stopSteps = [['SIGTERM', 7000]] as const;

/** How many lines of the log an error repeats when the server has not become ready. */
const lastWords = 5;

/** Starts a Temporal server on loopback; it is ready when its front end knows the namespace. */
export function launchTemporal(options: TemporalOptions): Launched {
  const logFd = openLog(options.home, 'temporal');
  const file = logFile(options.home, 'temporal');
  const saidBefore = statSync(file).size;
  const launched = options.program.kind === 'built' ? launchBuilt(options, logFd) : launchCommand(options, logFd);
  closeSync(logFd);
  const ready = launched.ready.catch((error: unknown) => {
    const said = readFileSync(file).subarray(saidBefore).toString().trim().split('\n').slice(-lastWords).join('\n');
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(said === '' ? reason : `${reason}; it said: ${said}`, { cause: error });
  });
  // Nobody has to wait.
  ready.catch(() => {});
  return { ...launched, ready };
}

/** The project's own program says when it is ready, and ends by itself when its standard input closes or a database is lost. */
function launchBuilt(
  { program, databaseUrl, port, internalPorts, namespace }: TemporalOptions,
  logFd: number,
): Launched {
  const ports = ['-port', String(port), '-internal-ports', internalPorts.join(',')];
  const child = spawn(program.path, [...ports, '-namespace', namespace, '-log-level', 'error'], {
    detached: true,
    stdio: ['pipe', 'pipe', logFd],
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  return follow(child, () => firstOutput(child), stopSteps);
}

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.stdout?.once('data', () => resolve()));
}

/** Temporal's development server keeps its own database file; a survivor of a killed supervisor is ended by the next start. */
function launchCommand({ program, home, port, namespace }: TemporalOptions, logFd: number): Launched {
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--headless'];
  const what = ['--db-filename', path.join(home, 'temporal.db'), '--namespace', namespace, '--log-level', 'error'];
  const child = spawn(program.path, ['server', 'start-dev', ...where, ...what], {
    detached: true,
    stdio: ['ignore', logFd, logFd],
  });
  const untilItServes = async (gone: AbortSignal): Promise<void> => {
    while (!gone.aborted && !(await knowsNamespace(`127.0.0.1:${port}`, namespace))) await sleep(100);
  };
  return follow(child, untilItServes, stopSteps);
}

async function knowsNamespace(address: string, namespace: string): Promise<boolean> {
  const { Connection } = await import('@temporalio/client');
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 2000, () => connection.workflowService.describeNamespace({ namespace }));
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}
