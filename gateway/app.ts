import type { Socket } from 'node:net';

import { fastify, type FastifyBaseLogger, LogController, type FastifyInstance } from 'fastify';
import { createSerializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import type { GatewayDependencies } from './dependencies.ts';
import { bigintLiterals } from './json.ts';
import { addOpenApi } from './openapi.ts';
import { addAuthentication } from './plugins/authentication.ts';
import { addJsonBodies } from './plugins/json-bodies.ts';
import { addProblems } from './plugins/problems.ts';
import { createRateLimits } from './plugins/rate-limits.ts';
import { addRequestContext } from './plugins/request-context.ts';
import { addRequestMetrics } from './plugins/request-metrics.ts';
import { addRouteTable, type RouteTable } from './plugins/route-table.ts';
import { Problem, problemDocument, problemKinds, type ProblemCode } from './problems.ts';
import { endStreamsOnClose } from './streams/open-streams.ts';
import { addAccessTokenRoute } from './routes/access-tokens.ts';
import { addApiKeyRoutes } from './routes/api-keys.ts';
import { addSubjectRoutes } from './routes/subjects.ts';
import { addAuditRoutes } from './routes/audit.ts';
import { addBackupRoutes } from './routes/backups.ts';
import { addDocsRoutes } from './routes/docs.ts';
import { addEventRoutes } from './routes/events.ts';
import { addExecRoute } from './routes/exec.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addMetricsRoute } from './routes/metrics.ts';
import { addNodeCreation } from './routes/node-creation.ts';
import { addNodeLifecycle } from './routes/node-lifecycle.ts';
import { addNodeRoutes } from './routes/nodes.ts';
import { addOperationRoutes } from './routes/operations.ts';
import { addRestoreRoute } from './routes/restore.ts';
import { addSchemaRegistryRoutes } from './routes/schema-registry.ts';
import { addTenantCommands } from './routes/tenant-commands.ts';
import { addTenantRoutes } from './routes/tenants.ts';

/** The gateway before it listens, and the table of what it answers. */
export interface GatewayApp {
  readonly app: FastifyInstance;
  readonly routeTable: RouteTable;
}

/** Wires plugins and routes together. Nothing is asked of the dependencies before the first request. */
export async function createApp(dependencies: GatewayDependencies): Promise<GatewayApp> {
  const loggerInstance: FastifyBaseLogger = dependencies.logger;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024 * 1024,
    // Time for a client to send its request, and for the gateway to answer it.
    requestTimeout: 30_000,
    handlerTimeout: dependencies.patience.request_ms,
    // While draining, requests on open connections are still answered; their connections then close.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    rewriteUrl: ({ url = '/' }) => (url === '/docs' ? '/docs/' : url),
    clientErrorHandler,
    frameworkErrors: (error, request, reply) => {
      app.errorHandler(error, request, reply);
    },
  });
  // Fastify gives validators null where there is no body; schemas speak of one that may be missing.
  app.setValidatorCompiler((route) => {
    const validate = validatorCompiler(route as Parameters<typeof validatorCompiler>[0]);
    return (data: unknown) => validate(data ?? undefined);
  });
  app.setSerializerCompiler(createSerializerCompiler({ replacer: bigintLiterals }));

  endStreamsOnClose(app);
  const routeTable = addRouteTable(app);
  addRequestContext(app);
  const metrics = addRequestMetrics(app);
  addProblems(app, (path) => routeTable.methodsAt(path));
  addJsonBodies(app);
  addAuthentication(app, dependencies, createRateLimits(dependencies.rateLimits));
  await addOpenApi(app);

  await app.register(async (api) => {
    addTenantRoutes(api, dependencies);
    addTenantCommands(api, dependencies);
    addNodeRoutes(api, dependencies);
    addNodeCreation(api, dependencies);
    addNodeLifecycle(api, dependencies);
    addExecRoute(api, dependencies);
    addBackupRoutes(api, dependencies);
    addRestoreRoute(api, dependencies);
    addOperationRoutes(api, dependencies);
    addAccessTokenRoute(api, dependencies);
    addApiKeyRoutes(api, dependencies);
    addSubjectRoutes(api, dependencies);
    addAuditRoutes(api, dependencies);
    addEventRoutes(api, dependencies);
    addHealthRoutes(api, dependencies);
    addMetricsRoute(api, dependencies, metrics);
  });
  await app.register(async (api) => addSchemaRegistryRoutes(api));
  await addDocsRoutes(app);
  await app.ready();
  return { app, routeTable };
}

/** What Node's HTTP parser refuses never becomes a request; it gets a problem nevertheless. */
function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code: ProblemCode =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'request_timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? 'headers_too_large'
        : 'malformed_request';
  const body = JSON.stringify(problemDocument(new Problem(code, 'The request can not be read.'), '/'));
  const { status, title } = problemKinds[code];
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
