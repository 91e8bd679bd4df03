import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ApiClient } from '../tools/api.ts';

/** What was acknowledged while things were being killed, and must be there afterwards. */
export interface Acknowledged {
  /** Ids of commands whose 2xx answer reached us. */
  readonly commandIds: string[];
  /** Highest counter per writer whose `OK` from the `always` node reached us; every lower one was acknowledged too. */
  readonly writes: Map<string, number>;
}

export interface NodeUnderLoad {
  readonly id: string;
  readonly endpoint: { host: string; port: number; username: string; password: string };
}

/**
 * Writes commands and data until stopped, through every failure: a command without an answer is sent again with its
 * Idempotency-Key until it gets one, as a careful client would.
 */
export function startLoad(api: ApiClient, tenantId: string, [node, other]: readonly [NodeUnderLoad, NodeUnderLoad]) {
  const acknowledged: Acknowledged = { commandIds: [], writes: new Map() };
  const stopping = new AbortController();

  async function command(writer: number, turn: number): Promise<void> {
    const key = `crash-${writer}-${turn}-${randomUUID()}`;
    while (!stopping.signal.aborted) {
      try {
        const reply =
          turn % 3 === 0
            ? await api.request('POST', '/v1/tenants', { name: key }, { 'idempotency-key': key })
            : await api.request(
                'POST',
                `/v1/nodes/${node.id}/exec`,
                { command: ['SET', `exec:${writer}`, String(turn)] },
                { 'idempotency-key': key },
              );
        if (reply.status < 300) acknowledged.commandIds.push(key);
        // An exec whose node was away is answered once and for all; everything else below 500 would be a bug of ours.
        if (reply.status < 500) return;
      } catch {
        // No answer: the gateway, or what it needs, is gone for a moment.
      }
      await sleep(50);
    }
  }

  async function commands(writer: number): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      await command(writer, turn);
      await sleep(10);
    }
  }

  async function data({ id, endpoint }: NodeUnderLoad, number: number): Promise<void> {
    const { host, port, username, password } = endpoint;
    const writer = `w:${id}:${number}`;
    const redis = new Redis({
      host,
      port,
      username,
      password,
      // Each write is sent once: what has no answer is not acknowledged, and is written again under its own number.
      maxRetriesPerRequest: 0,
      retryStrategy: () => 50,
      enableOfflineQueue: true,
    });
    redis.on('error', () => {});
    for (let counter = 1; !stopping.signal.aborted;) {
      try {
        await redis.set(`${writer}:${counter}`, String(counter));
        acknowledged.writes.set(writer, counter);
        counter += 1;
      } catch {
        await sleep(20);
      }
    }
    redis.disconnect();
  }

  async function backups(): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const key = `crash-backup-${turn}-${randomUUID()}`;
      await api
        .request('POST', `/v1/nodes/${node.id}/backups`, {}, { 'idempotency-key': key })
        .then((reply) => reply.status < 300 && acknowledged.commandIds.push(key))
        .catch(() => {});
      await sleep(1500);
    }
  }

  const running = Promise.all([
    commands(1),
    commands(2),
    commands(3),
    data(node, 1),
    data(node, 2),
    data(other, 1),
    backups(),
  ]);
  return {
    tenantId,
    acknowledged,
    async stop(): Promise<Acknowledged> {
      stopping.abort();
      await running;
      return acknowledged;
    },
  };
}
