import type { Principal } from '#domains/identity/authorize.ts';
import { reject } from '#domains/kernel/rejection.ts';
import { recordDenial } from '#infra/commands/execute.ts';
import { findOutcome } from '#infra/commands/outcome.ts';
import { issueAccessToken, looksLikeAccessToken, readAccessToken } from '#infra/crypto/access-token.ts';
import { keyedHash } from '#infra/crypto/master-key.ts';
import type { FastifyInstance } from 'fastify';
import type { KafkaMessage } from 'kafkajs';
import { v7 as uuidv7 } from 'uuid';

import type { GatewayDependencies } from '../dependencies.ts';
import { actorOf, authenticate, bearerOf } from '../plugins/authentication.ts';
import { problemDocument, Problem, type ProblemCode } from '../problems.ts';
import { headerOf, readCommand, type KafkaCommand } from './command-record.ts';
import { impersonal } from './impersonal.ts';
import type { KafkaOutcome } from './outcome.ts';

/** A record and where it lies, which is its name where it has none of its own. */
export interface PlacedRecord {
  /** `<topic>/<partition>/<offset>`. */
  readonly place: string;
  readonly record: KafkaMessage;
}

/** The state of the world, not of the command: it is tried again. */
const passing: readonly string[] = ['unavailable', 'read_model_behind', 'rate_limited'] satisfies ProblemCode[];

/** What comes back from these is no one's business but the caller's. */
const notOverKafka = /\/exec$|^\/v1\/access-tokens$/;

/**
 * Handles a command that came over Kafka as if it had come over HTTP, by the very same routes; so its id makes a repeat one there
 * and here. Null when it can't be handled right now, and is to be tried again. Whatever is no command, or comes from nobody, leaves a
 * denial in the log and has an outcome.
 */
export async function handleCommand(
  app: FastifyInstance,
  deps: Pick<GatewayDependencies, 'log' | 'masterKey'>,
  { place, record }: PlacedRecord,
): Promise<KafkaOutcome | null> {
  const command = readCommand(record);
  const authorization = headerOf(record, 'authorization') ?? undefined;
  // A key in a record would stay there for all who read the topic.
  const token = looksLikeAccessToken(bearerOf(authorization) ?? '') ? authorization : undefined;
  const principal = token === undefined ? null : await authenticate(deps, token);
  const denied = { place, record, principal };
  if (principal === null || token === undefined) {
    return (await outcomeOfOld(app, deps, command, token)) ?? deny(deps, denied, 'unauthenticated', noToken);
  }
  if ('problem' in command) return deny(deps, denied, 'malformed_command', command.problem);
  if (notOverKafka.test(command.path)) {
    return deny(deps, denied, 'command_not_allowed', 'This takes HTTP: its reply is for its caller alone.');
  }
  const first = await inject(app, command, token);
  if (passing.includes(first.code ?? '')) return null;
  if (first.status >= 300) return first;
  // A repeat is answered without what is shown once, so that no secret gets into Kafka.
  const again = await inject(app, command, token);
  if (passing.includes(again.code ?? '')) return null;
  return { ...again, repeated: first.repeated };
}

/**
 * What became of a command that was handled while its token was good, and is delivered again when that has expired. It is answered as
 * a repeat is, from what was recorded under its id; so a token that is over leads to nothing that was not done already.
 */
async function outcomeOfOld(
  app: FastifyInstance,
  { log, masterKey }: Pick<GatewayDependencies, 'log' | 'masterKey'>,
  command: ReturnType<typeof readCommand>,
  authorization: string | undefined,
): Promise<KafkaOutcome | null> {
  const pass = readAccessToken(masterKey, bearerOf(authorization) ?? '');
  if (pass === null || 'problem' in command) return null;
  const handled = await findOutcome(log, { kind: 'api-key', id: pass.keyId }, command.commandId, '');
  if (handled === null) return null;
  const expiresAt = new Date(Date.now() + renewed_ms);
  const outcome = await inject(app, command, `Bearer ${issueAccessToken(masterKey, { ...pass, expiresAt })}`);
  // Another command under the same id is none that was handled, and a key that is gone says nothing any more.
  return outcome.repeated ? outcome : null;
}

/** As long as one request may take. */
const renewed_ms = 30_000;

const noToken =
  'The header `authorization` must be `Bearer <access token>`, from POST /v1/access-tokens; never an API key.';

async function inject(app: FastifyInstance, command: KafkaCommand, authorization: string): Promise<KafkaOutcome> {
  const { method, path, body, commandId, headers } = command;
  const response = await app.inject({
    method,
    url: path,
    remoteAddress: 'kafka',
    headers: {
      ...headers,
      authorization,
      'idempotency-key': commandId,
      ...(body !== null && { 'content-type': 'application/json' }),
    },
    ...(body !== null && { payload: body }),
  });
  const position = response.headers['x-miniredis-position'];
  return {
    commandId,
    status: response.statusCode,
    outcome: kindOf(response.statusCode),
    code: response.statusCode < 300 ? null : codeOf(response.body),
    position: position === undefined ? null : BigInt(String(position)),
    repeated: response.headers['idempotent-replayed'] === 'true',
    body: impersonal(response.body),
    correlationId: String(response.headers['x-correlation-id'] ?? '') || null,
  };
}

function kindOf(status: number): KafkaOutcome['outcome'] {
  if (status < 300) return 'accepted';
  return status === 401 || status === 403 ? 'denied' : 'rejected';
}

function codeOf(body: string): string | null {
  const { code } = JSON.parse(body) as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

/** Leaves a denial under the record's place, so that a redelivery leaves no second one. */
async function deny(
  { log, masterKey }: Pick<GatewayDependencies, 'log' | 'masterKey'>,
  { place, record, principal }: PlacedRecord & { readonly principal: Principal | null },
  code: 'unauthenticated' | 'malformed_command' | 'command_not_allowed',
  detail: string,
): Promise<KafkaOutcome> {
  const correlationId = uuidv7();
  const entry = await recordDenial(
    log,
    {
      action: 'CommandOverKafka',
      actor: principal === null ? { kind: 'anonymous', id: 'kafka' } : actorOf(principal),
      address: null,
      commandId: place,
      correlationId,
      causationId: null,
      trace: null,
      tenantId: principal?.tenantId ?? null,
      target: { kind: 'kafka-record', id: place },
      requestHmac: keyedHash(masterKey, 'request', place),
    },
    reject(code, detail),
  );
  const document = problemDocument(new Problem(code, detail), place);
  return {
    commandId: headerOf(record, 'command') ?? place,
    status: document.status,
    code,
    position: entry.outcome === 'reused' ? null : entry.position,
    repeated: entry.outcome !== 'reused' && entry.repeated,
    outcome: 'denied',
    body: JSON.stringify(document),
    correlationId,
  };
}
