import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { openApiText } from '../openapi.ts';
import { Problem, problemKinds, type ProblemCode } from '../problems.ts';
import { pathIds } from '../shapes/common.ts';

/** `/openapi.json`, and pages to read it by that load nothing from elsewhere. */
export async function addDocsRoutes(app: FastifyInstance): Promise<void> {
  const api = app.withTypeProvider<ZodTypeProvider>();
  let document: string | undefined;
  api.get(
    '/openapi.json',
    { config: { action: 'public' }, schema: { summary: 'This description', tags: ['platform'], security: [] } },
    async (_request, reply) => {
      reply.type('application/json; charset=utf-8').serializer(String);
      return (document ??= openApiText(app));
    },
  );
  api.get(
    '/docs/problems/:code',
    { config: { action: 'public' }, schema: { params: pathIds('code'), response: { 200: z.string() }, hide: true } },
    async (request, reply) => {
      const { code } = request.params;
      if (!Object.hasOwn(problemKinds, code)) throw new Problem('route_not_found', 'There is no such problem code.');
      const { status, title, remedy } = problemKinds[code as ProblemCode];
      reply.type('text/plain; charset=utf-8').serializer(String);
      return `${code}: ${title} (HTTP ${status})\n\n${remedy}\n`;
    },
  );
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      pageTitle: 'MiniRedis API',
      withDefaultFonts: false,
      // Nothing that would take a reader, or what they type, to a service elsewhere.
      telemetry: false,
      showDeveloperTools: 'never',
      hideClientButton: true,
      agent: { disabled: true },
      mcp: { disabled: true },
      cdn: '/docs/js/scalar.js',
    },
  });
}
