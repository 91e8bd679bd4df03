import type { Principal } from '#domains/identity/authorize.ts';
import type { Action } from '#domains/identity/roles.ts';
import type { TenantId } from '#domains/kernel/ids.ts';
import type { Target } from '#domains/kernel/envelope.ts';
import type { DomainEvent } from '#domains/kernel/decider.ts';
import { reject, type Rejection } from '#domains/kernel/rejection.ts';
import { execute, recordDenial } from '#infra/commands/execute.ts';
import { findOutcome, type CommandOutcome } from '#infra/commands/outcome.ts';
import type { CommandRequest } from '#infra/commands/request.ts';
import { step, type Step } from '#infra/commands/step.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { GatewayDependencies } from '../dependencies.ts';
import { actorOf, principalOf, refusal, type Owner } from '../plugins/authentication.ts';
import { Problem } from '../problems.ts';
import { commandIdOf, requestHmacOf } from './command-id.ts';

/** A command over HTTP, in the parts that differ from route to route. `Found` is what the request is about. */
export interface Write<Found extends NonNullable<Owner>, Body> {
  readonly action: Action;
  /** What the path names, or what is about to be made; shown in the audit timeline. */
  readonly target: Target;
  /** Looks up what the request is about; null when nothing has this id. */
  find(): Promise<Found | null>;
  /** What is to be decided, on which streams. */
  plan(found: Found): Promise<Plan>;
  /** The reply to an accepted command; `secret` is null when it was shown before. */
  answer(accepted: Accepted, secret: string | null): Promise<Answer<Body>>;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Whose history it belongs to, where that is not the owner of what was found. */
  readonly tenantId?: TenantId;
  /** Ids that a repeat needs to be answered with. */
  readonly result?: Record<string, string>;
  /** What the reply shows once. */
  readonly secret?: string;
  /** Stands in for the entry that a command usually leaves. */
  recordAs?(record: { action: Action; targetKind: string; targetId: string; requestHmac: string }): DomainEvent;
  /** Told at which position it was accepted, or null, before the reply is made. */
  readonly settle?: (position: bigint | null) => void;
}

type Accepted = Extract<CommandOutcome, { outcome: 'accepted' }>;

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  /** Version of the thing in the body, for `ETag`. */
  readonly version?: number;
  readonly location?: string;
}

/**
 * Handles a command over HTTP once its caller is known and its body is valid: looks up whether it was handled before,
 * authorizes it, has it decided and recorded, and answers. Whatever becomes of it, it leaves one entry. Returns the body for
 * fastify to send.
 */
export async function handleWrite<Found extends NonNullable<Owner>, Body>(
  { log, masterKey }: GatewayDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  write: Write<Found, Body>,
): Promise<Body> {
  const principal = principalOf(request);
  const { commandId, givenByCaller } = commandIdOf(request);
  reply.header('x-miniredis-command-id', commandId);
  const command = commandRequest(request, principal, write, commandId, requestHmacOf(masterKey, request));

  if (givenByCaller) {
    const known = await findOutcome(log, command.actor, commandId, command.requestHmac);
    if (known !== null) return conclude(request, reply, write, known, null);
  }
  const found = await write.find();
  const refused = refusal(principal, write.action, found);
  if (refused !== null) {
    const denied = { ...command, tenantId: principal.tenantId ?? found?.tenantId ?? null };
    return conclude(request, reply, write, await recordDenial(log, denied, refused), null);
  }
  const tenantId = found?.tenantId ?? principal.tenantId;
  if (found === null) {
    const { kind, id } = write.target;
    const nothing = reject('not_found', `There is no ${kind} with the id ${id}.`);
    const outcome = await execute(log, { ...command, tenantId }, [rejecting(write.target, nothing)]);
    return conclude(request, reply, write, outcome, null);
  }
  const plan = await write.plan(found);
  const outcome = await decide(log, { ...command, tenantId: plan.tenantId ?? tenantId }, plan);
  return conclude(request, reply, write, outcome, plan.secret ?? null);
}

async function decide(
  log: EventLog,
  command: CommandRequest & { action: Action },
  plan: Plan,
): Promise<CommandOutcome> {
  const { steps, result } = plan;
  let position: bigint | null = null;
  try {
    const { action, target, requestHmac } = command;
    const record = plan.recordAs?.({ action, targetKind: target.kind, targetId: target.id, requestHmac });
    const extras = { ...(result && { result }), ...(record && { recordAs: record }) };
    const outcome = await execute(log, { ...command, ...extras }, steps);
    if (outcome.outcome === 'accepted') ({ position } = outcome);
    return outcome;
  } finally {
    plan.settle?.(position);
  }
}

function commandRequest(
  request: FastifyRequest,
  principal: Principal,
  { action, target }: Pick<Write<never, never>, 'action' | 'target'>,
  commandId: string,
  requestHmac: string,
): CommandRequest & { action: Action } {
  return {
    action,
    actor: actorOf(principal),
    address: request.ip,
    commandId,
    correlationId: request.correlationId,
    causationId: null,
    trace: request.trace,
    tenantId: principal.tenantId,
    target,
    requestHmac,
  };
}

/** A decision made beforehand: a rejection like any other, so that it leaves an entry like any other. */
export function rejecting({ kind, id }: Target, rejection: Rejection): Step {
  const decider = { initialState: null, decide: () => rejection, evolve: () => null };
  return step({ stream: `${kind}-${id}`, decider, command: { type: 'Refused', data: {} } });
}

async function conclude<Body>(
  request: FastifyRequest,
  reply: FastifyReply,
  write: Pick<Write<never, Body>, 'answer'>,
  outcome: CommandOutcome,
  secret: string | null,
): Promise<Body> {
  if (outcome.outcome === 'reused') {
    throw new Problem('idempotency_key_reused', 'This Idempotency-Key came with another request before.');
  }
  reply.header('x-miniredis-position', outcome.position.toString());
  if (outcome.repeated) reply.header('idempotent-replayed', 'true');
  if (outcome.outcome !== 'accepted') {
    const { code, detail } = outcome.rejection;
    // To a tenant's key, what is unknown and what is others' look the same, to the byte.
    const hidden = outcome.outcome === 'denied' && code === 'not_found';
    const instance = request.routeOptions.url;
    throw new Problem(code, detail, hidden && instance !== undefined ? { instance } : {});
  }
  const { status, body, version, location } = await write.answer(outcome, outcome.repeated ? null : secret);
  if (version !== undefined) reply.header('etag', `"${version}"`);
  if (location !== undefined) reply.header('location', location);
  reply.code(status);
  return body;
}
