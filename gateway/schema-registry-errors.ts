import type { FastifyError, FastifyInstance } from 'fastify';

import { Problem, problemKinds } from './problems.ts';

/** Confluent's error codes, of which the first three digits are the HTTP status; clients act on them. */
export const registryErrors = {
  subjectNotFound: 40401,
  versionNotFound: 40402,
  schemaNotFound: 40403,
  invalidSchema: 42201,
  invalidVersion: 42202,
  readOnly: 42205,
} as const;

/** What a client of a schema registry is told, in the form that it understands. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: number;

  constructor(code: keyof typeof registryErrors, message: string) {
    super(message);
    this.code = registryErrors[code];
  }
}

export const registryMediaType = 'application/vnd.schemaregistry.v1+json';

/** In this part of the interface every failure is `{error_code, message}`, also those that the plugins find. */
export function addRegistryErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const code = codeOf(error);
    const status = code > 999 ? Math.floor(code / 100) : code;
    if (status >= 500) request.log.error({ err: error }, 'a request to the schema registry failed');
    if (status === 401) reply.header('www-authenticate', 'Basic realm="miniredis"');
    const message = status >= 500 ? 'Something went wrong here.' : error.message;
    return reply
      .code(status)
      .type(registryMediaType)
      .serializer((document: unknown) => JSON.stringify(document))
      .send({ error_code: code, message });
  });
}

function codeOf(error: FastifyError): number {
  if (error instanceof RegistryError) return error.code;
  if (error instanceof Problem) return problemKinds[error.code].status;
  if (error.validation !== undefined) return 422;
  return error.statusCode ?? 500;
}
