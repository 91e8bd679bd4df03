/** Stands where `infra/local/role.ts` does: runs a role of a few lines under the real supervisor, with the real configuration. */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

import { parseSettings, withAddresses } from '#infra/config/config.ts';
import { createLog } from '#infra/logging/log.ts';
import { runRole } from '#infra/process/run-role.ts';
import { Client } from 'pg';

const [name = ''] = process.argv.slice(2);
const parsed = parseSettings(process.env);
if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
const { settings } = parsed;
const config = withAddresses(settings, settings.databaseUrl ?? '', settings.temporalAddress ?? '');

/** The gateway and the node manager hold the platform's two ports; every role is ready when the database answers. */
const ports: Readonly<Record<string, number>> = { gateway: config.gatewayPort, 'node-manager': config.respPort };

async function databaseAnswers(): Promise<boolean> {
  const client = new Client({ connectionString: config.databaseUrl });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

await runRole({
  name,
  config,
  log: createLog(name, config.logLevel),
  probes: undefined,
  load: async () => async () => {
    const server = createServer(async (_request, response) => {
      response.writeHead((await databaseAnswers()) ? 200 : 503).end();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(ports[name] ?? 0, '127.0.0.1', resolve);
    });
    return {
      readiness: async () => ({ ready: await databaseAnswers(), detail: {} }),
      stop: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        appendFileSync(path.join(config.home, 'stopped.txt'), `${name} ${await databaseAnswers()}\n`);
      },
    };
  },
});
