import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import type { Role } from '#domains/identity/roles.ts';
import { ManagerId, type NodeId } from '#domains/kernel/ids.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { managerStream } from '#domains/manager/events.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream, type NodeEvent } from '#domains/node/events.ts';
import { createApp } from '#gateway/app.ts';
import { newApiKey } from '#gateway/api-key.ts';
import { type GatewayDependencies, usualPatience } from '#gateway/dependencies.ts';
import { openNodeConnections } from '#gateway/exec/node-connections.ts';
import { managerLoads } from '#gateway/manager-loads.ts';
import { createPlacements } from '#gateway/placement.ts';
import type { RouteTable } from '#gateway/plugins/route-table.ts';
import { usualRateLimits } from '#gateway/plugins/rate-limits.ts';
import { openLogFeed } from '#gateway/streams/log-feed.ts';
import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { execute, loadState } from '#infra/commands/execute.ts';
import { systemRequest } from '#infra/commands/request.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import { newSecret, sha256Hex } from '#infra/crypto/secrets.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openEventLog } from '#infra/event-log/open.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { readHeadFrom } from '#projections/kernel/consistency.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { allViews } from '#projections/views.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Pool } from 'pg';
import { pino } from 'pino';

import { testDatabase } from '../tools/postgres.ts';
import { openTransport } from '../tools/transport.ts';
import { until } from '../tools/read-side.ts';

/** What the gateway answered; `body` is parsed where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | undefined>;
  // oxlint-disable-next-line typescript/no-explicit-any -- a client in a test reads whatever came
  readonly body: any;
  readonly text: string;
}

/** Asks the gateway with one key; null: without credentials. */
export type Client = (
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** The gateway with a real log and real read models, and with the part of the node manager played. */
export interface GatewayBed {
  readonly app: FastifyInstance;
  readonly routeTable: RouteTable;
  readonly log: EventLog;
  readonly pool: Pool;
  readonly masterKey: MasterKey;
  readonly databaseUrl: string;
  /** The key of an operator, and a client with it. */
  readonly operatorKey: string;
  readonly operator: Client;
  client(key: string | null): Client;
  /** A new key, made beside the gateway. */
  keyOf(role: Role, tenantId: string | null): Promise<string>;
  /** Whether the manager carries out what it is asked for; at first it does. */
  readonly manager: { busy: boolean };
  decide(...steps: Step[]): Promise<void>;
  projections: { pause(): Promise<void>; resume(): void };
  close(): Promise<void>;
}

const managerId = ManagerId.parse('manager-1');
const silent = pino({ level: 'silent' });

export interface BedOptions {
  readonly memoryBudgetMb?: number;
  /** Where the log is, when it is not in PostgreSQL. */
  readonly eventStoreUrl?: string;
  readonly respPort?: number;
  readonly dependencies?: Partial<GatewayDependencies>;
}

export async function openGatewayBed(options: BedOptions = {}): Promise<GatewayBed> {
  const { eventStoreUrl } = options;
  const database = await testDatabase();
  const masterKey = createSecretKey(randomBytes(32));
  const pool = createPool(database.url, { max: 10, name: 'test' });
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const log = openEventLog(eventStoreUrl, { pool, codec, notify: true });
  const transport = openTransport(pool, eventStoreUrl);
  const followed = transport.following(log, codec);
  readHeadFrom(pool, eventStoreUrl === undefined ? undefined : log);
  let projections = runProjections(followed, pool, allViews, silent);
  await until(() => projections.state() === 'live', 'projections run');

  const decide = (...steps: Step[]) => decideAs(log, ...steps);
  // The part of the manager that /readyz looks for: somebody accepts connections.
  const door = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { memoryBudgetMb = 100_000, respPort = (door.address() as AddressInfo).port } = options;
  const registration = { managerId, host: '127.0.0.1', respPort, memoryBudgetMb };
  await decide(
    step({
      stream: managerStream(managerId),
      decider: managerDecider,
      command: { type: 'RegisterManager', data: registration },
    }),
  );
  const manager = { busy: false };
  const playing = playManager(log, manager);

  const keyOf = async (role: Role, tenantId: string | null): Promise<string> => {
    const keyId = newId('key');
    const key = newApiKey(keyId);
    const data = { keyId, name: role, role, tenantId: tenantId as never, secretSha256: sha256Hex(key) };
    await decide(
      step({ stream: apiKeyStream(keyId), decider: apiKeyDecider, command: { type: 'CreateApiKey', data } }),
    );
    return key;
  };
  const feed = await openLogFeed(log);
  const nodes = openNodeConnections(masterKey);
  const { app, routeTable } = await createApp({
    log,
    pool,
    masterKey,
    feed,
    nodes,
    placements: createPlacements((upToDate) => managerLoads(pool, upToDate), 1),
    logger: silent,
    endpoint: { host: '127.0.0.1', port: 6001 },
    rateLimits: { ...usualRateLimits, failuresPerAddress_perMinute: 10_000 },
    patience: { ...usualPatience, keepAlive_ms: 200 },
    ...options.dependencies,
  });
  const client = (key: string | null): Client => clientOf(app, key);
  const operatorKey = await keyOf('operator', null);
  return {
    app,
    routeTable,
    log,
    pool,
    masterKey,
    databaseUrl: database.url,
    operatorKey,
    operator: client(operatorKey),
    client,
    keyOf,
    manager,
    decide,
    projections: {
      pause: () => projections.stop(),
      resume: () => void (projections = runProjections(followed, pool, allViews, silent)),
    },
    async close() {
      door.close();
      await app.close();
      nodes.close();
      await feed.stop();
      await playing.stop();
      await projections.stop();
      await transport.close();
      await log.close();
      await pool.end();
      await database.drop();
    },
  };
}

function clientOf(app: FastifyInstance, key: string | null): Client {
  return async (method, path, body, headers = {}) => {
    const request: InjectOptions = {
      method,
      url: path,
      headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    };
    const response = await app.inject(request);
    const json =
      /json/.test(String(response.headers['content-type'])) && !/ndjson/.test(String(response.headers['content-type']));
    return {
      status: response.statusCode,
      headers: response.headers as Record<string, string>,
      body: json && response.body !== '' ? (JSON.parse(response.body) as unknown) : null,
      text: response.body,
    };
  };
}

/** Appends what a part of the platform decides. */
export async function decideAs(log: EventLog, ...steps: Step[]): Promise<void> {
  const request = systemRequest({
    action: 'Test',
    actor: 'test',
    commandId: newSecret(),
    target: { kind: 'test', id: 'test' },
    tenantId: null,
    correlationId: newSecret(),
    causationId: null,
  });
  const outcome = await execute(log, request, steps);
  if (outcome.outcome !== 'accepted') throw new Error(`refused: ${JSON.stringify(outcome)}`);
}

export function onNode(nodeId: NodeId, command: NodeCommand): Step {
  return step({ stream: nodeStream(nodeId), decider: nodeDecider, command });
}

/** Does at once what a node manager is asked for, unless it is busy; nodes that wait for a backup stay waiting. */
function playManager(log: EventLog, manager: { busy: boolean }) {
  const reports = {
    NodePlaced: 'ReportNodeStarted',
    NodeStartRequested: 'ReportNodeStarted',
    NodeStopRequested: 'ReportNodeStopped',
    NodeDeleteRequested: 'ReportNodeDeleted',
  } as const;
  return log.subscribe({
    after: 0n,
    filter: { categories: ['node'] },
    async handle(batch) {
      for (const event of batch as unknown as NodeEvent[]) {
        const report = reports[event.type as keyof typeof reports];
        if (manager.busy || report === undefined) continue;
        const { nodeId } = event.data;
        const [first] = await log.readStream(nodeStream(nodeId));
        if (waitsForBackup(first) && report === 'ReportNodeStarted') continue;
        const { state } = await loadState(log, nodeStream(nodeId), nodeDecider);
        const data = { nodeId, managerId, epoch: state.epoch };
        await decideAs(log, onNode(nodeId, { type: report, data })).catch(() => {});
      }
    },
  });
}

function waitsForBackup(first: { readonly data: unknown } | undefined): boolean {
  return (first?.data as { restoreFrom?: string | null } | undefined)?.restoreFrom !== null;
}
