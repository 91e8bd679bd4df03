import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { PerformanceObserver, monitorEventLoopDelay } from 'node:perf_hooks';
const nodes = new Map<string, Node>();
const engine = createEngine({
  authenticate({ password }) {
    let node = nodes.get(password);
    if (node === undefined) { node = new Node({ id: password, maxMemory: 256 * 2 ** 20 }); nodes.set(password, node); engine.adopt(node);
      node.rateLimits = { commandsPerSecond: 1e6, bytesPerSecond: Number(process.env.MBPS ?? 512) * 2 ** 20 }; }
    return { node };
  },
  limits: { bulkBytesMax: 64 * 2 ** 20 },
});
const port = await engine.listen({ port: 0 });
let gcs: Record<string, number[]> = {};
new PerformanceObserver((list) => { for (const e of list.getEntries()) (gcs[(e as any).detail.kind] ??= []).push(e.duration); }).observe({ entryTypes: ['gc'] });
process.send!({ port });
let usage = process.cpuUsage();
process.on('message', (m: any) => {
  if (m === 'gc') { const out = Object.entries(gcs).map(([k, v]) => `kind${k}: n=${v.length} sum=${v.reduce((a, b) => a + b, 0).toFixed(0)} max=${Math.max(...v).toFixed(1)}`).join('; '); gcs = {}; const u = process.cpuUsage(usage); usage = process.cpuUsage(); process.send!({ gc: out + ` cpu=${((u.user + u.system) / 1000).toFixed(0)}ms` + ` bytes=${[...nodes.values()].map(n=>n.netInputBytes+n.netOutputBytes).reduce((a,b)=>a+b,0)/2**20|0}MB thr=${[...nodes.values()].map(n=>n.throttledReads).reduce((a,b)=>a+b,0)}` }); }
  if (m === 'end') process.exit(0);
});
process.on('disconnect', () => process.exit(0));
