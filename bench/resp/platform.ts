import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#infra/local/free-port.ts';
import { apiClient, type ApiClient } from '#test/tools/api.ts';
import { readPlatformFile, startPlatform as start } from '#test/tools/platform.ts';
import { familyOf } from '../tools/processes.ts';
import type { Address, Target } from './target.ts';

type Durability = 'none' | 'everysec' | 'always';

/** A node as a target: all node managers' processes serve it. */
interface PlatformNode extends Target {
  readonly id: string;
}

/** The whole platform, started as `npm start` does, with one tenant. */
export interface Platform {
  readonly api: ApiClient;
  readonly tenantId: string;
  /** Makes a node by REST; it is reached through AUTH on the public port. */
  node(options: { name: string; durability: Durability; memoryLimitMb?: number }): Promise<PlatformNode>;
  /** The node managers: the processes that hold nodes. */
  managers(): Promise<number[]>;
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
  const tenant = await api.must<{ id: string }>('POST', '/v1/tenants', { name: `bench-${Date.now()}` });

  async function managers(): Promise<number[]> {
    const file = await readPlatformFile(home);
    const names = Object.entries(file?.children ?? {}).filter(([name]) => name.startsWith('node-manager'));
    const families = await Promise.all(names.map(([, { pid }]) => familyOf(pid)));
    if (families.length === 0) throw new Error('the platform names no node manager in run/platform.json');
    return families.flat();
  }

  return {
    api,
    tenantId: tenant.id,
    managers,
    async node({ name, durability, memoryLimitMb = 512 }) {
      const path = `/v1/tenants/${tenant.id}/nodes`;
      const settings = { name, durability, memoryLimitMb };
      const { id, endpoint } = await api.must<{ id: string; endpoint: Address }>('POST', path, settings);
      const pids = await managers();
      return { id, label: `platform, ${durability}`, address: endpoint, pids: () => pids, stop: async () => {} };
    },
    async stop() {
      process.off('exit', endAtExit);
      await platform.stop();
      await removeHome();
    },
  };
}
