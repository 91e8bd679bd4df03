/** A node manager as a process of its own, configured by the environment; says "ready" when it serves. */
import { parseSettings, withAddresses } from '#infra/config/config.ts';
import { createLog } from '#infra/logging/log.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';

const parsed = parseSettings(process.env);
if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
const config = withAddresses(parsed.settings, process.env['DATABASE_URL'] ?? '', '127.0.0.1:1');
const role = await startNodeManager(config, createLog('node-manager', 'warn'));
process.on('SIGTERM', () => {
  void role.stop().then(() => process.exit(0));
});
while (!(await role.readiness()).ready) await new Promise((resolve) => setTimeout(resolve, 5));
console.log(`ready ${process.memoryUsage.rss()}`);
