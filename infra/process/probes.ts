import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { processMetrics } from './metrics.ts';
import type { Readiness } from './role.ts';

/** Running probes. */
export interface Probes {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/livez` (the process answers) and `/readyz` (the role can work; 503 with the same body when it cannot), as Kubernetes
 * probes and load balancers expect them, and `/metrics` for Prometheus. Rejects when the port is taken.
 */
export async function serveProbes(
  host: string,
  port: number,
  role: string,
  readiness: () => Promise<Readiness>,
  metrics: () => Promise<string>,
): Promise<Probes> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
    };
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, { error: 'only GET and HEAD are answered' });
    else if (pathname === '/livez') answer(200, { role, live: true });
    else if (pathname === '/readyz') {
      const { ready, detail } = await readinessOf(readiness);
      answer(ready ? 200 : 503, { role, ready, detail });
    } else if (pathname === '/metrics') {
      // Figures about the process are there even while what the role needs is not.
      const own = await metrics().catch(() => '');
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(request.method === 'HEAD' ? undefined : `${[processMetrics(), own].filter(Boolean).join('\n')}\n`);
    } else answer(404, { error: 'only /livez, /readyz and /metrics are here' });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A role that throws when asked is not ready; the probe stays up to say so. */
export async function readinessOf(readiness: () => Promise<Readiness>): Promise<Readiness> {
  try {
    return await readiness();
  } catch (error) {
    return { ready: false, detail: { error: error instanceof Error ? error.message : String(error) } };
  }
}
