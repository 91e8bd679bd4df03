import { parseArgs } from 'node:util';
import { parseMemory } from './commands/config.ts';
import { createEngine } from './engine.ts';
import { Node } from './keyspace/node.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '6379' },
    bind: { type: 'string', default: '127.0.0.1' },
    requirepass: { type: 'string' },
    maxmemory: { type: 'string', default: '0' },
  },
});

const maxMemory = parseMemory(values.maxmemory);
if (maxMemory === undefined) throw new Error(`--maxmemory ${values.maxmemory} is no size; write for example 100mb.`);

const stop = (): void => {
  void engine.close().then(() => process.exit(0));
};
const engine = createEngine({
  defaultNode: new Node({ id: 'standalone', maxMemory }),
  ...(values.requirepass === undefined ? {} : { requirePass: values.requirepass }),
  onShutdown: stop,
});
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
const port = await engine.listen({ port: Number(values.port), host: values.bind });
console.log(`Ready to accept connections on ${values.bind}:${port}`);
