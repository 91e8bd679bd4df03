import type { Action } from '#domains/identity/roles.ts';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const description = `Create Redis nodes, use them, back them up, and see who did what.

Every write may carry an \`Idempotency-Key\`; a repeat gets the recorded outcome. \`ETag\` and \`If-Match\` guard against
changing what others changed meanwhile. \`X-MiniRedis-Position\` says where in the log a write stands, and how far a read has
seen. Errors are \`application/problem+json\` with a stable \`code\`.`;

/** Describes all routes declared from here on, from the schemas by which they validate. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'MiniRedis', version: '1', description },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, mr_…' } },
      },
      security: [{ apiKey: [] }],
    },
    transform: (route) => withHeaders(jsonSchemaTransform(route), route.route.config?.action),
    transformObject: (document) => tidy(jsonSchemaTransformObject(document) as Described),
  });
}

type Transformed = ReturnType<typeof jsonSchemaTransform>;

/** Headers that routes read by themselves rather than through their schemas, since their errors are of their own kinds. */
function withHeaders({ schema, url }: Transformed, action: Action | 'public' | undefined): Transformed {
  if (action === undefined || action === 'public' || schema === undefined) return { schema, url };
  const reads = action.startsWith('Read');
  const properties = reads ? { ...common, ...conditional } : { ...common, ...guarding };
  return { schema: { ...schema, headers: { type: 'object', properties } }, url };
}

const header = (description: string) => ({ type: 'string', description });
const common = { 'X-Correlation-Id': header('Ties together what belongs together; a new one where it is missing.') };
const conditional = { 'If-None-Match': header('ETag of what the caller has; 304 when it is the newest.') };
const guarding = {
  'Idempotency-Key': header('1 to 255 printable ASCII characters. A repeat gets the recorded outcome.'),
  'If-Match': header('ETag of what the caller has seen; 412 when it has changed since.'),
};

/** The parts of the document that are tidied. */
interface Described {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, DescribedRoute>>>>;
  readonly components?: { schemas?: Record<string, unknown> };
}
interface DescribedRoute {
  readonly requestBody?: {
    required?: boolean;
    readonly content: Readonly<Record<string, { schema?: { required?: string[] } }>>;
  };
  readonly responses?: Responses;
}
type Responses = Readonly<Record<string, { description?: string }>>;

const descriptions: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Created, and ready',
  202: 'Accepted; the operation tells when it is done',
  503: 'Not ready',
};

/** Says what statuses mean, and leaves out schemas that nothing refers to. */
function tidy(document: Described) {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { requestBody, responses = {} } of Object.values(path)) {
      const schema = requestBody?.content['application/json']?.schema;
      if (requestBody !== undefined && schema?.required === undefined) requestBody.required = false;
      for (const [status, response] of Object.entries(responses)) {
        if (response.description === 'Default Response') response.description = descriptions[status] ?? status;
      }
    }
  }
  const schemas = document.components?.schemas ?? {};
  // Shapes are of replies; nothing refers to how they would look in a request.
  for (const name of Object.keys(schemas)) if (name.endsWith('Input')) delete schemas[name];
  return document as ReturnType<typeof jsonSchemaTransformObject>;
}

/** The OpenAPI document as it is served and kept in schemas/openapi.json. */
export function openApiText(app: FastifyInstance): string {
  return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}
