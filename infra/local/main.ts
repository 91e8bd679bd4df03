import { parseArgs } from 'node:util';

import { parseSettings, type Settings, withAddresses } from '../config/config.ts';
import { describeVariables } from '../config/help.ts';
import { createLog } from '../logging/log.ts';
import { availableRoles, loadRole, needsTemporal, servesProbes, whyNot } from '../process/roles.ts';
import { runRole } from '../process/run-role.ts';
import { migrateDatabase } from './database.ts';
import { readPlatformFile } from './platform-file.ts';
import { runPlatform } from './run-platform.ts';

const usage = `Runs MiniRedis, a self-hosted Redis cloud, on this machine.

  npm start                       everything
  npm start -- --role <name>      one role alone: ${availableRoles.join(', ')}
  npm start -- --help             this text

Environment variables, with their defaults:

${describeVariables()}
`;

const exitFailed = 1;
const exitUsage = 2;

/** The command behind `npm start`. Returns when there is nothing more to start; the process ends by signal or `process.exit`. */
export async function main(args: string[]): Promise<void> {
  const options = parse(args);
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  const refusal = options.role === undefined ? undefined : whyNot(options.role);
  if (refusal !== undefined) refuse([refusal]);
  const parsed = parseSettings(process.env);
  if (!parsed.ok) refuse(parsed.problems);
  else if (options.role === undefined) await runPlatform(parsed.settings);
  else await runApart(options.role, parsed.settings);
}

function parse(args: string[]): { help: boolean; role: string | undefined } {
  try {
    const { values } = parseArgs({
      args,
      options: { help: { type: 'boolean', short: 'h' }, role: { type: 'string' } },
    });
    return { help: values.help ?? false, role: values.role };
  } catch (error) {
    return refuse([(error as Error).message, 'Try --help.']);
  }
}

function refuse(problems: readonly string[]): never {
  for (const problem of problems) console.error(`MiniRedis: ${problem}`);
  process.exit(exitUsage);
}

/** Runs one role in this process, with probes on the role's port. Its log goes to standard error. */
async function runApart(name: string, settings: Settings): Promise<void> {
  const beside = readPlatformFile(settings.home);
  const databaseUrl = settings.databaseUrl ?? beside?.databaseUrl;
  const temporalAddress = settings.temporalAddress ?? beside?.temporalAddress;
  const missing = [
    ...(databaseUrl === undefined ? ['DATABASE_URL'] : []),
    ...(temporalAddress === undefined && needsTemporal(name) ? ['TEMPORAL_ADDRESS'] : []),
  ];
  if (databaseUrl === undefined || missing.length > 0) {
    refuse([
      `To run apart, the role ${name} needs ${missing.join(' and ')}: set them, or start the platform in ${settings.home} first.`,
    ]);
  }
  const log = createLog(name, settings.logLevel);
  try {
    await migrateDatabase(databaseUrl, log);
  } catch (error) {
    console.error(`MiniRedis: ${(error as Error).message}`);
    process.exit(exitFailed);
  }
  await runRole({
    name,
    config: withAddresses(settings, databaseUrl, temporalAddress ?? ''),
    log,
    load: () => loadRole(name),
    probes: servesProbes(name) ? undefined : { host: settings.bindHost, port: settings.rolePorts[name] ?? 0 },
  });
}
