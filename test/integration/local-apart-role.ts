/** `npm start -- --role backend` with a role of a few lines; `ROLE_BEHAVES` says how it misbehaves. */
import { setTimeout as sleep } from 'node:timers/promises';

import { parseSettings, withAddresses } from '#infra/config/config.ts';
import { createLog } from '#infra/logging/log.ts';
import { runRole } from '#infra/process/run-role.ts';

const parsed = parseSettings(process.env);
if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
const { settings } = parsed;
const behaviour = process.env['ROLE_BEHAVES'] ?? 'well';
const startedAt = performance.now();

await runRole({
  name: 'backend',
  config: withAddresses(settings, '', ''),
  log: createLog('backend', 'info'),
  probes:
    process.send === undefined ? { host: settings.bindHost, port: settings.rolePorts['backend'] ?? 0 } : undefined,
  load: async () => async () => {
    if (behaviour === 'fails to start') throw new Error('the sky is down');
    const busy = setInterval(() => {}, 1000);
    return {
      async readiness() {
        if (behaviour === 'throws when asked') throw new Error('do not ask');
        return { ready: performance.now() - startedAt > 400, detail: { answer: 42 } };
      },
      async stop() {
        if (behaviour === 'fails to stop') throw new Error('stuck');
        await sleep(300);
        process.stderr.write('drained\n');
        clearInterval(busy);
      },
    };
  },
});
