/**
 * The first figures of the whole platform: start-up, create → PONG, commands under a steady load, and memory with 1 and
 * with 1,000 nodes. The peer is what hosting without us does: one redis-server process a tenant.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#infra/local/free-port.ts';
import { apiClient, type ApiClient } from '#test/tools/api.ts';
import { readPlatformFile, startPlatform } from '#test/tools/platform.ts';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { percentile, type Print } from './tools/figure.ts';
import { residentMb } from './tools/memory.ts';
import { familyOf } from './tools/processes.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

const rounds = 200;
const peerRounds = 20;
const manyNodes = 1000;

/** Connects anew, authenticates if there is a password, and resolves when PONG has arrived. */
async function firstPong({ host, port, username, password }: Endpoint): Promise<void> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  if (password !== undefined) socket.write(`AUTH ${username} ${password}\r\n`);
  socket.write('PING\r\n');
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('-')) throw new Error(`the node answered ${text}`);
    if (text.includes('+PONG')) break;
  }
  socket.destroy();
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** A redis-server process of its own, from spawn to its first PONG; returns also how to measure and stop it. */
async function startRedis(): Promise<{ pid: number; stop: () => Promise<void> }> {
  const { server, env } = await redisBinaries();
  const port = await freePort();
  const child = spawn(server, ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], { env, stdio: 'ignore' });
  const endpoint = { host: '127.0.0.1', port };
  while (
    !(await firstPong(endpoint).then(
      () => true,
      () => false,
    ))
  )
    await sleep(1);
  const stop = async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return { pid: child.pid ?? 0, stop };
}

async function createToPong(api: ApiClient, print: Print): Promise<void> {
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: `pong-${Date.now()}` });
  const ours: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    ours.push(
      await millisecondsOf(async () => {
        const settings = { name: `n-${i}`, memoryLimitMb: 1 };
        const node = await api.must<{ endpoint: Endpoint }>('POST', `/v1/tenants/${tenant.id}/nodes`, settings);
        await firstPong(node.endpoint);
      }),
    );
  }
  const theirs: number[] = [];
  for (let i = 0; i < peerRounds; i += 1) {
    const began = performance.now();
    const redis = await startRedis();
    theirs.push(performance.now() - began);
    await redis.stop();
  }
  for (const share of [0.5, 0.95]) {
    const name = `create to first PONG p${share * 100}`;
    const peer = 'redis-server process';
    print({ name, peer, ours: percentile(ours, share), theirs: percentile(theirs, share), unit: 'ms' });
  }
}

/** An open loop: requests leave on time whether or not the earlier ones are answered, so that waiting counts. */
async function mixedWrites(api: ApiClient, print: Print): Promise<void> {
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: `mixed-${Date.now()}` });
  const nodes = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      api.must<{ id: string }>('POST', `/v1/tenants/${tenant.id}/nodes`, { name: `m-${n}`, memoryLimitMb: 64 }),
    ),
  );
  const nodeOf = (i: number) => nodes[Math.floor(i / 4) % nodes.length]?.id;
  const perSecond = 100;
  const total = perSecond * 20;
  const writes = [
    (i: number) => api.must('POST', '/v1/tenants', { name: `mixed-${Date.now()}-${i}` }),
    (i: number) => api.must('POST', `/v1/nodes/${nodeOf(i)}/exec`, { command: ['SET', `k${i}`, 'v'] }),
    (i: number) => api.must('POST', `/v1/tenants/${tenant.id}/nodes`, { name: `mix-${i}`, memoryLimitMb: 1 }),
    (i: number) => api.must('POST', `/v1/nodes/${nodeOf(i)}/rotate-credentials`, {}),
  ];
  const latencies: number[] = [];
  let failures = 0;
  const began = performance.now();
  const inFlight: Promise<void>[] = [];
  for (let i = 0; i < total; i += 1) {
    const due = began + (i * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const write = writes[i % writes.length];
    if (write === undefined) continue;
    inFlight.push(
      write(i).then(
        () => void latencies.push(performance.now() - due),
        () => void (failures += 1),
      ),
    );
  }
  await Promise.all(inFlight);
  for (const share of [0.5, 0.95, 0.99]) {
    const name = `write at ${perSecond}/s p${share * 100}`;
    print({ name, peer: null, ours: percentile(latencies, share), theirs: null, unit: 'ms' });
  }
  print({ name: `write at ${perSecond}/s failures`, peer: null, ours: failures, theirs: null, unit: `of ${total}` });
}

/** Resident memory of every process of the platform together, and of the node manager with its engine processes. */
async function memory(home: string): Promise<{ all: number; nodeManager: number }> {
  const file = await readPlatformFile(home);
  if (file === null) throw new Error('the platform has left no run/platform.json');
  const roots = [file.pid, ...Object.values(file.children).map(({ pid }) => pid)];
  const all = new Set((await Promise.all(roots.map(familyOf))).flat());
  const managers = await familyOf(file.children['node-manager']?.pid ?? Number.NaN);
  return { all: await residentTogether([...all]), nodeManager: await residentTogether(managers) };
}

/** One that has just ended takes nothing. */
async function residentTogether(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(pids.map((pid) => residentMb(pid).catch(() => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function createUpTo(api: ApiClient, count: number): Promise<void> {
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: `many-${Date.now()}` });
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await api.must('POST', `/v1/tenants/${tenant.id}/nodes`, { name: `many-${next}`, memoryLimitMb: 1 });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

export async function bench(print: Print): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'miniredis-bench-'));
  const env = { GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()), LOG_LEVEL: 'warn' };
  const peer = 'redis-server process';
  try {
    for (const name of ['first start to ready', 'later start to ready']) {
      const began = performance.now();
      const platform = await startPlatform({ home, env });
      print({ name, peer: null, ours: (performance.now() - began) / 1000, theirs: null, unit: 's' });
      await platform.stop();
    }
    const platform = await startPlatform({ home, env });
    try {
      const api = apiClient(platform.credentials.gatewayUrl, platform.credentials.apiKey);
      const redis = await startRedis();
      const one = await residentMb(redis.pid);
      await redis.stop();

      await createUpTo(api, 1);
      const few = await memory(home);
      print({ name: 'memory with 1 node, all processes', peer, ours: few.all, theirs: one, unit: 'MiB' });
      print({
        name: 'memory with 1 node, node manager and engines',
        peer,
        ours: few.nodeManager,
        theirs: one,
        unit: 'MiB',
      });
      await createToPong(api, print);
      await mixedWrites(api, print);
      await createUpTo(api, manyNodes);
      const many = await memory(home);
      const name = `memory with ${manyNodes} more nodes`;
      print({
        name: `${name}, all`,
        peer: `${manyNodes} × ${peer}`,
        ours: many.all,
        theirs: one * manyNodes,
        unit: 'MiB',
      });
      print({
        name: `${name}, manager and engines`,
        peer: `${manyNodes} × ${peer}`,
        ours: many.nodeManager,
        theirs: one * manyNodes,
        unit: 'MiB',
      });
    } finally {
      await platform.stop();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
