import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readSettings, USAGE } from './config/command-line.ts';
import type { StartSettings } from './config/command-line.ts';
import { createEngine } from './engine.ts';
import { giveBackWhenIdle } from './give-back.ts';
import { Node } from './keyspace/node.ts';
import { rdbCodec } from './persistence/codec.ts';
import { createPersistence } from './persistence/standalone.ts';
import { REDIS_VERSION } from './version.ts';

function answer(text: string): never {
  process.stdout.write(text);
  process.exit(0);
}

/** Reads redis.conf and the command line; a mistake in them, and a question, end the process with the answer. */
function startSettings(): StartSettings {
  const [first] = process.argv.slice(2);
  if (first === '--help' || first === '-h') answer(USAGE);
  if (first === '--version' || first === '-v') answer(`MiniRedis, as Redis ${REDIS_VERSION}\n`);
  try {
    return readSettings(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nTry --help.`);
    process.exit(1);
  }
}

const { values, file, users } = startSettings();
const given = (name: string, otherwise: string): string => values.get(name) ?? otherwise;
const dir = given('dir', '.');

const node = new Node({ id: 'standalone' });
const persistence = createPersistence({
  given: new Map([...values, ['dir', resolve(dir)]]),
  node,
  log: (line) => console.log(line),
});
let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  void engine
    .close()
    .then(() => persistence.close())
    .then(() => process.exit(0));
};
const engine = createEngine({
  defaultNode: node,
  codec: rdbCodec,
  saving: persistence.saving,
  settings: new Map([...values, ['dir', resolve(dir)]]),
  ...(file === undefined ? {} : { configFile: file }),
  aclUsers: users,
  requirePass: given('requirepass', ''),
  onFault: (_node, command, error) => console.error(`${command} failed:`, error),
  onShutdown: stop,
});
await mkdir(dir, { recursive: true });
const stopBySignal = (): void => {
  persistence.saving.saveForShutdown(undefined).then(stop, () => {
    console.error('The data could not be saved, so the server goes on. Look at the log, or use SHUTDOWN NOSAVE.');
  });
};
giveBackWhenIdle();
process.on('SIGTERM', stopBySignal);
process.on('SIGINT', stopBySignal);
const bind = given('bind', '127.0.0.1').split(' ')[0]!;
try {
  engine.loadUsers();
  node.unavailable = 'LOADING Redis is loading the dataset in memory';
  const port = await engine.listen({ port: Number(given('port', '6379')), host: bind });
  // Redis's own words, which those who start a server by a script wait for.
  console.log(`Standalone server, PID: ${process.pid}\nServer initialized`);
  await persistence.open(engine);
  // What was loaded may have brought users of its own.
  engine.loadUsers();
  node.unavailable = undefined;
  console.log(`Ready to accept connections on ${bind}:${port}`);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exit(1);
}
