import type { FastifyInstance } from 'fastify';

const buckets_s = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  readonly labels: string;
  count: number;
  sum_s: number;
  readonly atMost: number[];
}

/** Counts and latencies of requests, in the Prometheus text format. */
export interface RequestMetrics {
  render(): string;
}

/** Counts every request by method, route and status; routes, not paths, so that the number of series stays small. */
export function addRequestMetrics(app: FastifyInstance): RequestMetrics {
  const all = new Map<string, Series>();
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const labels = `method="${request.method}",route="${route}",status="${reply.statusCode}"`;
    let series = all.get(labels);
    if (series === undefined)
      all.set(labels, (series = { labels, count: 0, sum_s: 0, atMost: buckets_s.map(() => 0) }));
    const took_s = reply.elapsedTime / 1000;
    series.count += 1;
    series.sum_s += took_s;
    for (const [n, limit] of buckets_s.entries()) if (took_s <= limit) series.atMost[n] = (series.atMost[n] ?? 0) + 1;
    const line = { method: request.method, route, status: reply.statusCode, took_ms: Math.round(reply.elapsedTime) };
    request.log.debug({ ...line, correlationId: request.correlationId, keyId: request.principal?.keyId }, 'answered');
  });
  return { render: () => renderSeries([...all.values()]) };
}

const name = 'miniredis_http_request_duration_seconds';

function renderSeries(all: readonly Series[]): string {
  const lines = all.flatMap(({ labels, count, sum_s, atMost }) => [
    ...buckets_s.map((limit, n) => `${name}_bucket{${labels},le="${limit}"} ${atMost[n]}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sum_s.toFixed(6)}`,
    `${name}_count{${labels}} ${count}`,
  ]);
  return [`# HELP ${name} Time to answer requests over HTTP.`, `# TYPE ${name} histogram`, ...lines].join('\n');
}
