/** `node role.ts <name>`: runs one role under the supervisor that started this process. Its environment is complete. */
import { parseSettings, withAddresses } from '../config/config.ts';
import { createLog } from '../logging/log.ts';
import { loadRole } from '../process/roles.ts';
import { runRole } from '../process/run-role.ts';

const [name = ''] = process.argv.slice(2);
const parsed = parseSettings(process.env);
if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
const { databaseUrl, temporalAddress } = parsed.settings;
if (databaseUrl === undefined || temporalAddress === undefined)
  throw new Error('DATABASE_URL and TEMPORAL_ADDRESS are needed');
process.title = `miniredis ${name}`;

await runRole({
  name,
  config: withAddresses(parsed.settings, databaseUrl, temporalAddress),
  log: createLog(name, parsed.settings.logLevel),
  load: () => loadRole(name),
  probes: undefined,
});
