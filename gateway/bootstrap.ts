import { open, readFile, rename, unlink } from 'node:fs/promises';
import path from 'node:path';

import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream, type IdentityEvent } from '#domains/identity/events.ts';
import { ApiKeyId } from '#domains/kernel/ids.ts';
import { execute } from '#infra/commands/execute.ts';
import { systemRequest } from '#infra/commands/request.ts';
import { step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { sha256Hex } from '#infra/crypto/secrets.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import { z } from 'zod';

import { keyIdWithin, newApiKey } from './api-key.ts';
import { principalOfKey } from './plugins/authentication.ts';

const Credentials = z.object({ gatewayUrl: z.string(), apiKey: z.string(), respPort: z.int() });

/** What `credentials.json` holds: how whoever started the platform first reaches it. */
type Credentials = z.infer<typeof Credentials>;

export interface BootstrapOptions {
  readonly log: EventLog;
  readonly logger: Logger;
  /** The folder of `credentials.json`; it exists. */
  readonly home: string;
  readonly gatewayUrl: string;
  readonly respPort: number;
}

/**
 * Sees to it that `credentials.json` holds a key that opens the platform, with the addresses of this start. A new key is written
 * to a draft first, then made valid, then the draft takes its place: whoever is killed in between goes on from there,
 * and no valid key is ever lost. Does nothing when all is as it must be.
 */
export async function bootstrap({ log, logger, home, gatewayUrl, respPort }: BootstrapOptions): Promise<void> {
  const file = path.join(home, 'credentials.json');
  const draft = `${file}.draft`;
  const current = await readCredentials(file);
  if (current !== null && (await keepsItsKey(log, logger, current))) {
    if (current.gatewayUrl === gatewayUrl && current.respPort === respPort) return;
    await writeDurably(draft, { ...current, gatewayUrl, respPort });
    await moveDurably(draft, file);
    return;
  }
  const begun = await readCredentials(draft);
  const apiKey = begun === null || (await isRevoked(log, begun)) ? newApiKey(newId('key')) : begun.apiKey;
  await writeDurably(draft, { gatewayUrl, apiKey, respPort });
  await createOperator(log, apiKey);
  await moveDurably(draft, file);
  logger.info({ file }, 'an operator key was made for this home');
}

/** Whether the file stays as it is: its key opens the platform, or somebody else's does and this one was revoked on purpose. */
async function keepsItsKey(log: EventLog, logger: Logger, credentials: Credentials): Promise<boolean> {
  if ((await principalOfKey(log, credentials.apiKey))?.role === 'operator') return true;
  if (!(await isRevoked(log, credentials)) || !(await hasOperator(log))) return false;
  logger.warn('the key in credentials.json was revoked; another operator key is needed to use the platform');
  return true;
}

async function isRevoked(log: EventLog, { apiKey }: Credentials): Promise<boolean> {
  const id = ApiKeyId.safeParse(keyIdWithin(apiKey));
  if (!id.success) return true;
  return (await log.readStream(apiKeyStream(id.data))).at(-1)?.type === 'ApiKeyRevoked';
}

/** Whether any key of an operator is active, by the whole history of keys: it is asked for in odd cases only. */
async function hasOperator(log: EventLog): Promise<boolean> {
  const operators = new Set<string>();
  for await (const batch of log.readAll({ after: 0n, filter: { categories: ['apikey'] } })) {
    for (const event of batch as unknown as IdentityEvent[]) {
      if (event.type === 'ApiKeyRevoked') operators.delete(event.data.keyId);
      else if (event.data.role === 'operator') operators.add(event.data.keyId);
    }
  }
  return operators.size > 0;
}

/** Makes the key valid; once, however often it is tried. */
async function createOperator(log: EventLog, apiKey: string): Promise<void> {
  const keyId = ApiKeyId.parse(keyIdWithin(apiKey));
  const data = { keyId, name: 'bootstrap', role: 'operator', tenantId: null, secretSha256: sha256Hex(apiKey) } as const;
  const request = systemRequest({
    action: 'CreateApiKey',
    actor: 'bootstrap',
    commandId: `create ${keyId}`,
    target: { kind: 'api-key', id: keyId },
    tenantId: null,
    correlationId: `bootstrap ${keyId}`,
    causationId: null,
  });
  const create = step({
    stream: apiKeyStream(keyId),
    decider: apiKeyDecider,
    command: { type: 'CreateApiKey', data },
  });
  const outcome = await execute(log, request, [create]);
  if (outcome.outcome !== 'accepted')
    throw new Error('The first operator key was refused; see the log of the gateway.');
}

/** Null for a file that is not there or was not written to its end. */
async function readCredentials(file: string): Promise<Credentials | null> {
  try {
    const parsed = Credentials.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A new file that others can't read, on disk when this returns. */
async function writeDurably(file: string, credentials: Credentials): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  await unlink(fresh).catch(() => {});
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(credentials, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await moveDurably(fresh, file);
}

async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(path.dirname(to), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
