import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';

import { createApp } from './app.ts';
import { type GatewayDependencies, usualPatience } from './dependencies.ts';
import { usualRateLimits } from './plugins/rate-limits.ts';

/** The gateway as far as its description goes: with all routes, and nothing behind them. */
export async function describedApp(): Promise<FastifyInstance> {
  const logger = pino({ level: 'silent' });
  const described = { logger, rateLimits: usualRateLimits, patience: usualPatience } as GatewayDependencies;
  return (await createApp(described)).app;
}
