import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Settings } from '../config/config.ts';
import { freePort, isFree, whyNotFree } from './free-port.ts';

/** Ports of the servers that the platform runs for itself, all on loopback. */
export interface InternalPorts {
  readonly postgres: number;
  readonly temporal: number;
  /** For Temporal's services among themselves. */
  readonly temporalInternal: readonly number[];
}

const temporalInternalCount = 7;

/**
 * The ports the environment names, else those of the last start, else free ones. Ports stay the same from start to start, so that
 * whoever noted one down finds it again; one that somebody else has taken meanwhile is replaced.
 */
export async function choosePorts(settings: Settings): Promise<InternalPorts> {
  const file = path.join(settings.home, 'run', 'ports.json');
  const kept = read(file);
  const chosen: number[] = [settings.gatewayPort, settings.respPort];
  const choose = async (wanted: number, before: number | undefined): Promise<number> => {
    const port = wanted === 0 ? await chooseFree(before, chosen) : wanted;
    chosen.push(port);
    return port;
  };
  const postgres = await choose(settings.postgresPort, kept.postgres);
  const temporal = await choose(settings.temporalPort, kept.temporal);
  const temporalInternal: number[] = [];
  for (let index = 0; index < temporalInternalCount; index += 1) {
    temporalInternal.push(await choose(0, kept.temporalInternal?.[index]));
  }
  const ports = { postgres, temporal, temporalInternal };
  writeFileSync(file, `${JSON.stringify(ports)}\n`, { mode: 0o600 });
  return ports;
}

async function chooseFree(before: number | undefined, taken: readonly number[]): Promise<number> {
  let port = before ?? (await freePort());
  while (taken.includes(port) || !(await isFree(port))) port = await freePort();
  return port;
}

function read(file: string): Partial<InternalPorts> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<InternalPorts>;
  } catch {
    return {};
  }
}

/** One sentence for every port the platform needs and somebody else listens on. */
export async function takenPorts(settings: Settings): Promise<string[]> {
  const needed: ReadonlyArray<readonly [name: string, port: number, host: string, needed: boolean]> = [
    ['GATEWAY_PORT', settings.gatewayPort, settings.bindHost, true],
    ['RESP_PORT', settings.respPort, settings.bindHost, true],
    ['POSTGRES_PORT', settings.postgresPort, '127.0.0.1', settings.databaseUrl === undefined],
    ['TEMPORAL_PORT', settings.temporalPort, '127.0.0.1', settings.temporalAddress === undefined],
  ];
  const problems: string[] = [];
  for (const [name, port, host, isNeeded] of needed) {
    const code = isNeeded && port !== 0 ? await whyNotFree(port, host) : undefined;
    if (code !== undefined) problems.push(`${name} ${port} on ${host}: ${explain(code)}`);
  }
  return problems;
}

/** What an error of listen(2) means to whoever chose the port, and what to do. */
function explain(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is taken by another program. Stop that, or set the variable to a free port.';
    case 'EACCES':
      return 'this user may not open the port. Choose one above 1023.';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address. Set BIND_HOST to one that it has.';
    default:
      return `the port cannot be opened (${code}). Choose another.`;
  }
}
