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
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
}

/** The OpenAPI document as it is served and kept in schemas/openapi.json. */
export function openApiText(app: FastifyInstance): string {
  return `${JSON.stringify(app.swagger(), null, 2)}\n`;
}
