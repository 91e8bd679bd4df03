import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { ReadFilter } from '#infra/event-log/event-log.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { bigintLiterals } from '../json.ts';
import { authenticate } from '../plugins/authentication.ts';
import { Problem } from '../problems.ts';
import { tenantInScope } from '../reads/permitted.ts';
import { Filter, problemResponse } from '../shapes/common.ts';
import { openEventStream, takeOver, wantsEvents, writeWithin } from '../streams/server-sent-events.ts';

const Position = z
  .string()
  .regex(/^\d{1,18}$/, 'must be a position: a whole number from 0')
  .transform(BigInt);

const EventsQuery = z.strictObject({
  from: Position.optional().meta({ description: 'The first position that is wanted; 0 or nothing: from the start.' }),
  to: Position.optional().meta({ description: 'The last position that is wanted.' }),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
    .transform(Number)
    .optional(),
  category: z
    .string()
    .regex(/^[a-z]{1,32}(,[a-z]{1,32}){0,19}$/, 'must be a category such as node, or several with commas between')
    .optional(),
  tenantId: Filter.optional(),
});

/** What part of the history is wanted: positions after `after` up to `to`, at most `limit` of them. */
interface Range {
  readonly after: bigint;
  readonly to: bigint | undefined;
  readonly limit: number;
  readonly filter: ReadFilter;
}

/** `GET /v1/events`: the raw history as lines of JSON, or followed for ever by server-sent events. */
export function addEventRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/v1/events',
    {
      config: { action: 'ReadEvents' },
      schema: {
        summary: 'The history as NDJSON, or followed as it grows with Accept: text/event-stream',
        tags: ['audit'],
        querystring: EventsQuery,
        response: {
          200: {
            description:
              'One event a line: position, eventId, stream, version, type, schemaVersion, recordedAt, data, metadata',
            content: {
              'application/x-ndjson': { schema: z.string() },
              'text/event-stream': { schema: z.string() },
            },
          },
          ...problemResponse,
        },
      },
    },
    async (request, reply) => {
      const { from = 0n, to, limit = Number.MAX_SAFE_INTEGER, category, tenantId } = request.query;
      const scope = tenantInScope(request, 'ReadEvents', tenantId);
      const filter = {
        ...(category === undefined ? {} : { categories: category.split(',') }),
        ...(scope === null ? {} : { tenantId: scope }),
      };
      const seen = lastEventId(request);
      const after = seen ?? (from === 0n ? 0n : from - 1n);
      const head = await deps.log.head();
      reply.header('x-miniredis-position', head.toString());
      const range = { after, to, limit, filter };
      if (request.method === 'HEAD') return '';
      if (wantsEvents(request)) await followHistory(deps, request, reply, range);
      else await sendHistory(deps, request, reply, { ...range, to: to === undefined || to > head ? head : to });
      return undefined;
    },
  );
}

/** Where a client that lost its connection goes on from; only meaningful for server-sent events. */
function lastEventId(request: FastifyRequest): bigint | null {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '' || !wantsEvents(request)) return null;
  const position = Position.safeParse(header);
  if (position.success) return position.data;
  throw new Problem('malformed_header', 'Last-Event-ID must be a position in the log.');
}

/** Sends a part of the history as fast as the client takes it, with one batch in memory. */
async function sendHistory(
  { log, logger }: GatewayDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  range: Range,
) {
  const { raw, closed, finish } = takeOver(request, reply, 'application/x-ndjson; charset=utf-8');
  const { after, to, filter } = range;
  let left = range.limit;
  try {
    for await (const batch of log.readAll({ after, filter, ...(to === undefined ? {} : { to }) })) {
      const wanted = batch.slice(0, left);
      left -= wanted.length;
      const lines = wanted.map((event) => `${lineOf(event)}\n`).join('');
      if (!(await writeWithin(raw, closed, lines)) || left <= 0) break;
    }
    finish();
  } catch (error) {
    // A reply cut off in the middle must not look like one that is whole.
    logger.warn({ err: error }, 'the history could not be sent to its end');
    raw.destroy();
  }
}

/** Sends the history and whatever is added to it, until the client leaves, its key is revoked or the range is at its end. */
async function followHistory(deps: GatewayDependencies, request: FastifyRequest, reply: FastifyReply, range: Range) {
  const { log, patience, logger } = deps;
  const { after, to, filter } = range;
  const events = openEventStream(request, reply, patience.keepAlive_ms);
  let left = range.limit;
  const subscription = log.subscribe({
    after,
    filter,
    async handle(batch, upTo) {
      for (const event of batch) {
        if (left <= 0 || (to !== undefined && event.position > to)) break;
        left -= 1;
        const { position, type } = event;
        if (!(await events.send({ id: position.toString(), event: type, data: lineOf(event) }))) return;
      }
      if (left <= 0 || (to !== undefined && upTo >= to)) events.end();
    },
  });
  const check = setInterval(() => void endUnlessValid(), patience.keepAlive_ms);
  const endUnlessValid = async (): Promise<void> => {
    const principal = await authenticate(deps, request.headers.authorization).catch(() => undefined);
    if (principal === null) events.end();
  };
  subscription.ended.catch((error: unknown) => {
    logger.warn({ err: error }, 'a stream of history ended');
    events.end();
  });
  await new Promise<void>((resolve) => {
    if (events.closed.aborted) resolve();
    else events.closed.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(check);
  await subscription.stop().catch(() => {});
}

/** An event as one line of JSON; positions keep every digit. */
function lineOf({
  position,
  eventId,
  stream,
  version,
  type,
  schemaVersion,
  recordedAt,
  data,
  metadata,
}: RecordedEvent) {
  const line = { position, eventId, stream, version, type, schemaVersion, recordedAt, data, metadata };
  return JSON.stringify(line, bigintLiterals);
}
