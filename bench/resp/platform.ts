import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#infra/local/free-port.ts';
import { apiClient, type ApiClient } from '#test/tools/api.ts';
import { readPlatformFile, startPlatform as start } from '#test/tools/platform.ts';
import { familyOf } from '../tools/processes.ts';
import type { Address, Target } from './target.ts';

type Durability = 'none' | 'everysec' | 'always';

interface NodeOptions {
  readonly name: string;
  readonly durability: Durability;
  readonly memoryLimitMb?: number;
  readonly tenantId?: string;
}

/** A node as a target: all node managers' processes serve it. */
interface PlatformNode extends Target {
  readonly id: string;
}

/** The whole platform, started as `npm start` does, with one tenant. */
export interface Platform {
  readonly api: ApiClient;
  readonly home: string;
  /** Makes another tenant, and returns its id. */
  tenant(name: string): Promise<string>;
  /** Makes a node by REST, of the first tenant unless told otherwise; it is reached through AUTH on the public port. */
  node(options: NodeOptions): Promise<PlatformNode>;
  /** The node managers and their engine processes. */
  managers(): Promise<number[]>;
  /** The engine processes alone, which hold the nodes. */
  engines(): Promise<number[]>;
  stop(): Promise<void>;
}

/** Starts a platform with a home and ports of its own, both gone after `stop`. */
export async function startPlatform(env: Record<string, string> = {}): Promise<Platform> {
  const home = await mkdtemp(join(tmpdir(), 'miniredis-bench-'));
  const ports = { GATEWAY_PORT: String(await freePort()), RESP_PORT: String(await freePort()), LOG_LEVEL: 'warn' };
  const removeHome = () => rm(home, { recursive: true, force: true });
  const platform = await start({
    home,
    env: { ...ports, RATE_LIMIT_PER_KEY: '1000', ...env },
    timeoutMs: 120_000,
  }).catch(async (error: unknown) => {
    await removeHome();
    throw error;
  });
  const endAtExit = () => void platform.process.kill('SIGTERM');
  process.once('exit', endAtExit);
  const api = apiClient(platform.credentials.gatewayUrl, platform.credentials.apiKey);
  const tenant = async (name: string): Promise<string> => {
    const { id } = await api.must<{ id: string }>('POST', '/v1/tenants', { name });
    return id;
  };
  const first = await tenant(`bench-${Date.now()}`);

  /** The family of each node manager, the manager first. */
  async function families(): Promise<number[][]> {
    const file = await readPlatformFile(home);
    const children = Object.entries(file?.children ?? {}).filter(([name]) => name.startsWith('node-manager'));
    if (children.length === 0) throw new Error('the platform names no node manager in run/platform.json');
    return Promise.all(children.map(([, { pid }]) => familyOf(pid)));
  }
  const managers = async (): Promise<number[]> => (await families()).flat();
  // They stay the same while they run, and a thousand nodes should not ask a thousand times.
  let known: Promise<number[]> | undefined;
  const serving = (): Promise<number[]> => (known ??= managers());

  return {
    api,
    home,
    tenant,
    managers,
    engines: async () => (await families()).flatMap((family) => family.slice(1)),
    async node({ name, durability, memoryLimitMb = 512, tenantId = first }) {
      const settings = { name, durability, memoryLimitMb };
      const path = `/v1/tenants/${tenantId}/nodes`;
      const { id, endpoint } = await api.must<{ id: string; endpoint: Address }>('POST', path, settings);
      const pids = await serving();
      return { id, label: `platform, ${durability}`, address: endpoint, pids: () => pids, stop: async () => {} };
    },
    async stop() {
      process.off('exit', endAtExit);
      await platform.stop();
      await removeHome();
    },
  };
}
