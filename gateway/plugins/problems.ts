import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { v7 as uuidv7 } from 'uuid';

import { bigintLiterals } from '../json.ts';
import { type FieldError, Problem, problemDocument, problemKinds } from '../problems.ts';
import { isRead } from './request-context.ts';
import { isUnavailable } from './unavailable.ts';

/** Every answer other than success becomes `application/problem+json`, whoever found the fault. */
export function addProblems(app: FastifyInstance, methodsAt: (path: string) => string[]): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request);
    if (problem.code === 'internal_error') request.log.error({ err: error }, 'a request failed');
    else if (problem.code === 'unavailable') request.log.warn({ err: error }, 'a request found something unavailable');
    return sendProblem(reply, problem, pathOf(request));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    return sendProblem(reply, nothingAt(methodsAt(path)), path);
  });
}

function nothingAt(allowed: readonly string[]): Problem {
  if (allowed.length === 0) return new Problem('route_not_found', 'There is nothing at this path.');
  const methods = allowed.join(', ');
  return new Problem('method_not_allowed', `This path answers ${methods}.`, { headers: { allow: methods } });
}

/** Sends a problem as RFC 9457 has it. */
function sendProblem(reply: FastifyReply, problem: Problem, instance: string): FastifyReply {
  const kind = problemKinds[problem.code];
  const retryAfter_s = problem.extras.retryAfter_s ?? kind.retryAfter_s;
  if (retryAfter_s !== undefined) reply.header('retry-after', String(retryAfter_s));
  if (problem.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="miniredis"');
  for (const [name, value] of Object.entries(problem.extras.headers ?? {})) reply.header(name, value);
  // What fastify refuses before its hooks has no correlation id yet.
  if (!reply.hasHeader('x-correlation-id')) reply.header('x-correlation-id', uuidv7());
  return reply
    .code(kind.status)
    .type('application/problem+json; charset=utf-8')
    .serializer((document: unknown) => JSON.stringify(document, bigintLiterals))
    .send(problemDocument(problem, instance));
}

/** What each of fastify's own errors is in the catalogue. */
const fastifyErrors: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem('body_too_large', 'The body has more than 1 MiB.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Problem('unsupported_media_type', 'Only application/json is understood; say so in Content-Type.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('malformed_request', 'The body is not as long as Content-Length says.'),
  FST_ERR_BAD_URL: () => new Problem('malformed_request', 'The path is not a valid URL path.'),
  // What stands in the place of an id is longer than any id.
  FST_ERR_MAX_PARAM_LENGTH: () => new Problem('not_found', 'There is nothing with this id.'),
  FST_ERR_HANDLER_TIMEOUT: () =>
    new Problem(
      'unavailable',
      'The request took too long and its outcome is not known; repeat it with the same Idempotency-Key.',
    ),
};

function toProblem(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.flatMap((issue) => fieldErrors(issue, error.validationContext ?? 'body'));
    return new Problem('validation_failed', `${errors.length} of what was sent is not as it must be.`, { errors });
  }
  const known = fastifyErrors[error.code]?.();
  if (known !== undefined) return known;
  if (isUnavailable(error)) {
    const detail = isRead(request)
      ? 'The database can not be reached right now.'
      : 'The database can not be reached right now, and the outcome is not known; repeat with the same Idempotency-Key.';
    return new Problem('unavailable', detail);
  }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new Problem('malformed_request', 'The request can not be read.');
  return new Problem('internal_error', 'Something went wrong here; the log knows more under the correlation id.');
}

interface Issue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A zod issue as the fields it is about: each unknown field is an error of its own. */
function fieldErrors({ keyword, instancePath, message = 'is not valid', params }: Issue, part: string): FieldError[] {
  const steps = [...(part === 'body' ? [] : [partNames[part] ?? part]), ...instancePath.split('/').filter(Boolean)];
  const { keys } = params;
  if (keyword === 'unrecognized_keys' && Array.isArray(keys)) {
    return keys.map((key: unknown) => ({ path: [...steps, String(key)].join('.'), message: 'is not a known field' }));
  }
  return [{ path: steps.join('.') || part, message }];
}

/** Fields of the body are named as they are; what stands elsewhere says where. */
const partNames: Readonly<Record<string, string>> = { querystring: 'query' };

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
