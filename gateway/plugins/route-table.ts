import type { Action } from '#domains/identity/roles.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does, by the name that permissions and the audit timeline know; `public` needs no credentials. */
    action?: Action | 'public';
    /** Whether the API key may also come as the password of HTTP's basic authentication, as some clients know nothing else. */
    basic?: boolean;
  }
}

/** One path and method that the gateway answers. */
interface RouteEntry {
  readonly method: string;
  readonly url: string;
  readonly action: Action | 'public';
}

/** All routes, gathered as they are declared. */
export interface RouteTable {
  readonly routes: readonly RouteEntry[];
  /** The methods that a path answers; none where there is no such path. */
  methodsAt(path: string): string[];
}

/** Gathers the routes declared from here on. A route that doesn't say what it does stops the start: none is open by oversight. */
export function addRouteTable(app: FastifyInstance): RouteTable {
  const routes: RouteEntry[] = [];
  app.addHook('onRoute', (route) => {
    const { method, url, config } = route;
    // A parameter that nobody reads is a mistake of the caller's, on every route.
    if (url.startsWith('/v1/')) route.schema = { querystring: noParameters, ...route.schema };
    const action = config?.action ?? (url.startsWith('/docs') ? 'public' : undefined);
    if (action === undefined) throw new Error(`The route ${String(method)} ${url} does not say its action.`);
    // A HEAD is its GET without the body, which fastify adds by itself.
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, url, action });
  });
  return {
    routes,
    methodsAt(path) {
      const methods = routes.filter(({ url }) => patternOf(url).test(path)).map(({ method }) => method);
      return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
    },
  };
}

const noParameters = z.strictObject({});

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll(/:[A-Za-z]+/g, '[^/]+').replaceAll('.', '\\.')}$`);
}
