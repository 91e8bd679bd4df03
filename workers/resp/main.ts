import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseMemory } from './commands/config.ts';
import { createEngine } from './engine.ts';
import { Node } from './keyspace/node.ts';
import { rdbCodec } from './persistence/codec.ts';
import { createPersistence } from './persistence/standalone.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '6379' },
    bind: { type: 'string', default: '127.0.0.1' },
    requirepass: { type: 'string' },
    maxmemory: { type: 'string', default: '0' },
    maxclients: { type: 'string', default: '10000' },
    dir: { type: 'string', default: '.' },
    dbfilename: { type: 'string', default: 'dump.rdb' },
    appendonly: { type: 'string', default: 'no' },
    appendfsync: { type: 'string', default: 'everysec' },
  },
});

const maxMemory = parseMemory(values.maxmemory);
if (maxMemory === undefined) throw new Error(`--maxmemory ${values.maxmemory} is no size; write for example 100mb.`);
const maxClients = Number(values.maxclients);
if (!Number.isInteger(maxClients) || maxClients < 1) throw new Error('--maxclients is a number of connections.');
const { appendonly, appendfsync } = values;
if (appendonly !== 'yes' && appendonly !== 'no') throw new Error('--appendonly is yes or no.');
if (appendfsync !== 'always' && appendfsync !== 'everysec' && appendfsync !== 'no') {
  throw new Error('--appendfsync is always, everysec or no.');
}

const node = new Node({ id: 'standalone', maxMemory });
const persistence = createPersistence({
  dir: values.dir,
  dbFilename: values.dbfilename,
  appendOnly: appendonly === 'yes',
  appendFsync: appendfsync,
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
  limits: { maxClients },
  ...(values.requirepass === undefined ? {} : { requirePass: values.requirepass }),
  onFault: (_node, command, error) => console.error(`${command} failed:`, error),
  onShutdown: stop,
});
await mkdir(values.dir, { recursive: true });
try {
  await persistence.open(engine);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
const port = await engine.listen({ port: Number(values.port), host: values.bind });
console.log(`Ready to accept connections on ${values.bind}:${port}`);
