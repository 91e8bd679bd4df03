import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { apiClient, type ApiClient } from '../tools/api.ts';
import { freePort } from '#infra/local/free-port.ts';
import { isReady, readPlatformFile, startPlatform, type StartedPlatform } from '../tools/platform.ts';
import { startLoad, type Acknowledged, type NodeUnderLoad } from './load.ts';

export type Victim = 'gateway' | 'node-manager' | 'engine' | 'backup' | 'postgres' | 'parent';
export const victims: readonly Victim[] = ['gateway', 'node-manager', 'engine', 'backup', 'postgres', 'parent'];

/** Enough that one can be away while another works. */
const engineProcesses = 2;

/** Mulberry32: the same seed gives the same kills, so that a failure can be had again. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Each victim `times` times, in an order that the seed decides. */
export function killPlan(seed: number, times: number): Victim[] {
  const random = randomOf(seed);
  return victims
    .flatMap((victim) => Array.from({ length: times }, () => ({ victim, order: random() })))
    .toSorted((a, b) => a.order - b.order)
    .map(({ victim }) => victim);
}

/** The process that plays the part right now; an engine process by the lock of the data it works with. */
async function pidOf(platform: StartedPlatform, victim: Victim, random: number): Promise<number | undefined> {
  if (victim === 'parent') return platform.process.pid;
  if (victim !== 'engine') return (await readPlatformFile(platform.home))?.children[victim]?.pid;
  const partition = Math.floor(random * engineProcesses);
  const folder = join(platform.home, 'nodes', 'manager-1', partition === 0 ? '' : `partition-${partition}`);
  const lock = await readFile(join(folder, 'lock'), 'utf8').catch(() => '{}');
  return (JSON.parse(lock) as { pid?: number }).pid;
}

/** Kills one process of the platform, waiting for it first if it is just being started again. */
async function kill(platform: StartedPlatform, victim: Victim, random: number): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
    const pid = await pidOf(platform, victim, random);
    try {
      if (pid !== undefined && process.kill(pid, 'SIGKILL')) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  throw new Error(`the platform in ${platform.home} named no living process for ${victim} within 30 s`);
}

async function readyAgain(gatewayUrl: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isReady(gatewayUrl))) {
    if (Date.now() > deadline) throw new Error('the platform did not become ready within 60 s after a kill');
    await sleep(50);
  }
}

export interface CrashReport {
  readonly kills: Record<Victim, number>;
  readonly commands: number;
  readonly writes: number;
  /** What is wrong, in words; empty when nothing was lost and nothing doubled. */
  readonly faults: string[];
}

/** Kills what the plan says while commands, data and backups are written, then holds every acknowledgement against the log and the node. */
export async function crashScenario(plan: readonly Victim[], random: () => number): Promise<CrashReport> {
  const home = await mkdtemp(join(tmpdir(), 'miniredis-crash-'));
  const env = {
    GATEWAY_PORT: String(await freePort()),
    RESP_PORT: String(await freePort()),
    ENGINE_PROCESSES: String(engineProcesses),
    LOG_LEVEL: 'warn',
  };
  let platform = await startPlatform({ home, env });
  const kills: Record<Victim, number> = { gateway: 0, 'node-manager': 0, engine: 0, backup: 0, postgres: 0, parent: 0 };
  try {
    const { gatewayUrl, apiKey } = platform.credentials;
    const api = apiClient(gatewayUrl, apiKey);
    const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: 'crash' });
    const create = (name: string): Promise<NodeUnderLoad> =>
      api.must('POST', `/v1/tenants/${tenant.id}/nodes`, { name, memoryLimitMb: 512, durability: 'always' });
    // One after another, so that each is in a process of its own.
    const nodes = [await create('kept'), await create('kept-too')] as const;
    const load = startLoad(api, tenant.id, nodes);
    try {
      for (const victim of plan) {
        await sleep(200 + random() * 800);
        await kill(platform, victim, random());
        kills[victim] += 1;
        if (victim === 'parent') platform = await startPlatform({ home, env });
        await readyAgain(gatewayUrl);
      }
      await sleep(500);
    } finally {
      await load.stop();
    }
    const faults = await commandFaults(api, load.acknowledged);
    for (const node of nodes) faults.push(...(await writeFaults(node, load.acknowledged)));
    const writes = [...load.acknowledged.writes.values()].reduce((sum, count) => sum + count, 0);
    return { kills, commands: load.acknowledged.commandIds.length, writes, faults };
  } finally {
    await platform.stop();
    await rm(home, { recursive: true, force: true });
  }
}

/** Every acknowledged command id stands in the log exactly once. */
async function commandFaults(api: ApiClient, { commandIds }: Acknowledged): Promise<string[]> {
  const response = await fetch(`${api.gatewayUrl}/v1/events?from=0&category=command`, {
    headers: { authorization: `Bearer ${api.apiKey}`, accept: 'application/x-ndjson' },
  });
  const counts = new Map<string, number>();
  for (const line of (await response.text()).split('\n').filter((line) => line !== '')) {
    const { metadata } = JSON.parse(line) as { metadata: { commandId: string } };
    counts.set(metadata.commandId, (counts.get(metadata.commandId) ?? 0) + 1);
  }
  return commandIds
    .filter((id) => counts.get(id) !== 1)
    .map((id) => `command ${id} was acknowledged and is in the log ${counts.get(id) ?? 0} times`);
}

/** Every write that the `always` node acknowledged is there. */
async function writeFaults(node: NodeUnderLoad, { writes }: Acknowledged): Promise<string[]> {
  // The last kill may have been the node manager's: ioredis connects again until it is there.
  const redis = new Redis({ ...node.endpoint, maxRetriesPerRequest: 100 });
  redis.on('error', () => {});
  const faults: string[] = [];
  try {
    for (const [writer, last] of [...writes].filter(([name]) => name.startsWith(`w:${node.id}`))) {
      for (let from = 1; from <= last; from += 1000) {
        const counters = Array.from({ length: Math.min(1000, last - from + 1) }, (_, index) => from + index);
        const values = await redis.mget(counters.map((counter) => `${writer}:${counter}`));
        for (const [index, counter] of counters.entries()) {
          if (values[index] !== String(counter)) faults.push(`write ${writer}:${counter} was acknowledged and is lost`);
        }
      }
    }
  } finally {
    redis.disconnect();
  }
  return faults;
}
