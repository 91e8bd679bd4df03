import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { ManagerId, type BackupId, type NodeId } from '#domains/kernel/ids.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { nodeDecider, type NodeState } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { NodeSettings } from '#domains/node/settings.ts';
import { execute, loadState, step, systemRequest } from '#infra/commands/execute.ts';
import { parseSettings, withAddresses, type Config } from '#infra/config/config.ts';
import { newId } from '#infra/crypto/ids.ts';
import { loadMasterKey, type MasterKey } from '#infra/crypto/master-key.ts';
import { issuePlatformToken } from '#infra/crypto/platform-token.ts';
import { newSecret, sha256Hex } from '#infra/crypto/secrets.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { freePort } from '#infra/local/free-port.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { expect, vi } from 'vitest';

import { testDatabase } from '../tools/postgres.ts';
import { openTransport, transportVariables } from '../tools/transport.ts';

export interface TestNode {
  readonly nodeId: NodeId;
  readonly password: string;
  readonly url: string;
}

/** A database, a home, and what the gateway would do: a platform without its other roles. */
export interface Bed {
  readonly config: Config;
  readonly eventLog: EventLog;
  readonly masterKey: MasterKey;
  readonly port: number;
  /** Requests a node and waits until it runs, unless told otherwise. */
  createNode(
    settings?: Partial<NodeSettings>,
    options?: { restoreFrom?: BackupId; plan?: string; wait?: boolean },
  ): Promise<TestNode>;
  /** Puts a command to a node; fails the test unless it is accepted. */
  command(command: NodeCommand): Promise<void>;
  state(nodeId: NodeId): Promise<NodeState>;
  until(nodeId: NodeId, status: NodeState['status']): Promise<void>;
  rotate(nodeId: NodeId): Promise<string>;
  platformToken(nodeId: NodeId): string;
  close(): Promise<void>;
}

const managerId = ManagerId.parse('manager-1');
let nextCommand = 0;

export async function openBed(env: Record<string, string> = {}): Promise<Bed> {
  const database = await testDatabase();
  const home = await mkdtemp(path.join(tmpdir(), 'miniredis-node-'));
  const port = await freePort();
  const parsed = parseSettings({
    MINIREDIS_HOME: home,
    RESP_PORT: String(port),
    LOG_LEVEL: 'fatal',
    // As few as show that there can be several.
    ENGINE_PROCESSES: '2',
    ...transportVariables(),
    ...env,
  });
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  const config = withAddresses(parsed.settings, database.url, '127.0.0.1:1');
  expect(config.objectStoreUrl).toBe(pathToFileURL(path.join(home, 'objects')).href);
  const masterKey = await loadMasterKey(config.masterKeyFile);
  const pool = createPool(database.url, { name: 'test' });
  const transport = openTransport(pool);
  const eventLog = openPostgresEventLog({ pool, codec: openCodec(openSubjectKeys(pool, masterKey)), notify: true });

  const command = async (wanted: NodeCommand): Promise<void> => {
    const { nodeId } = wanted.data;
    nextCommand += 1;
    const request = systemRequest({
      action: `test.${wanted.type}`,
      actor: 'test',
      commandId: `test-${nextCommand}`,
      target: { kind: 'node', id: nodeId },
      tenantId: null,
      correlationId: `test-${nextCommand}`,
      causationId: null,
    });
    const outcome = await execute(eventLog, request, [
      step({ stream: nodeStream(nodeId), decider: nodeDecider, command: wanted }),
    ]);
    expect(outcome).toMatchObject({ outcome: 'accepted' });
  };
  const state = async (nodeId: NodeId) => (await loadState(eventLog, nodeStream(nodeId), nodeDecider)).state;
  const until = (nodeId: NodeId, status: NodeState['status']) =>
    vi.waitFor(async () => expect((await state(nodeId)).status).toBe(status), { timeout: 10_000, interval: 20 });

  return {
    config,
    eventLog,
    masterKey,
    port,
    command,
    state,
    until,
    async createNode(settings = {}, { restoreFrom, plan = 'standard', wait = true } = {}) {
      const nodeId = newId('node');
      const password = `${nodeId}.${newSecret()}`;
      await command({
        type: 'RequestNode',
        data: {
          nodeId,
          tenantId: newId('tnt'),
          settings: {
            name: 'cache',
            memoryLimitMb: 16,
            evictionPolicy: 'noeviction',
            durability: 'everysec',
            replicas: 0,
            engine: 'builtin',
            ...settings,
          },
          passwordSha256: sha256Hex(password),
          operationId: newId('op'),
          restoreFrom: restoreFrom ?? null,
          plan,
          placement: { managerId, availableMb: 1_000_000 },
        },
      });
      if (wait && restoreFrom === undefined) await until(nodeId, 'running');
      return { nodeId, password, url: `redis://${nodeId}:${password}@127.0.0.1:${port}` };
    },
    async rotate(nodeId) {
      const password = `${nodeId}.${newSecret()}`;
      await command({ type: 'RotateCredentials', data: { nodeId, passwordSha256: sha256Hex(password) } });
      return password;
    },
    platformToken: (nodeId) => issuePlatformToken(masterKey, { nodeId, expiresAt: new Date(Date.now() + 60_000) }),
    async close() {
      await eventLog.close();
      await transport.close();
      await pool.end();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
