import { waitForHead } from '#projections/kernel/consistency.ts';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { Problem } from '../problems.ts';

type Needs = Pick<GatewayDependencies, 'log' | 'pool' | 'patience'>;

/**
 * Waits until the views show all that was acknowledged before this request came, and says so in `X-MiniRedis-Position`. Throws
 * the problem `read_model_behind` when that takes too long. Returns the position.
 */
export async function caughtUp(
  { pool, patience }: Pick<Needs, 'pool' | 'patience'>,
  reply: FastifyReply,
  views: readonly string[],
): Promise<bigint> {
  const waited = await waitForHead(pool, views, patience.readModel_ms);
  if (!waited.reached) {
    const halted = waited.halted.length === 0 ? '' : ` (halted: ${waited.halted.join(', ')})`;
    throw new Problem('read_model_behind', `The read model is at position ${waited.at}${halted}; the log is further.`, {
      members: { position: waited.at },
    });
  }
  reply.header('x-miniredis-position', waited.at.toString());
  return waited.at;
}

/**
 * What a read answers with: state as it is, once the view shows all that was acknowledged before, or as it was at the position or
 * time that `?at=` names.
 */
export async function nowOrThen<Found>(
  deps: Needs,
  reply: FastifyReply,
  { at, view }: { readonly at: string | undefined; readonly view: string },
  now: () => Promise<Found>,
  then: (position: bigint) => Promise<Found>,
): Promise<Found> {
  if (at !== undefined) return then(await positionOf(deps, reply, at));
  await caughtUp(deps, reply, [view]);
  return now();
}

const Time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** The position that `?at=` stands for: itself, or the last one recorded at or before a time. It can't lie ahead. */
export async function positionOf({ log }: Needs, reply: FastifyReply, at: string): Promise<bigint> {
  const head = await log.head();
  const position = /^\d{1,18}$/.test(at) ? BigInt(at) : await positionAtTime(log, at);
  if (position > head) throw invalidAt(`lies ahead; the log is at position ${head}`);
  reply.header('x-miniredis-position', position.toString());
  return position;
}

async function positionAtTime(log: Needs['log'], at: string): Promise<bigint> {
  const time = Time.safeParse(at);
  if (!time.success) throw invalidAt('must be a position or a time such as 2026-11-21T08:30:00Z');
  const date = new Date(time.data);
  if (date.getTime() > Date.now()) throw invalidAt('lies ahead');
  return log.positionAt(date);
}

function invalidAt(message: string): Problem {
  return new Problem('validation_failed', `"at" ${message}.`, { errors: [{ path: 'query.at', message }] });
}
