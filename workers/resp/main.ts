import { createEngine } from './engine.ts';
import { Node } from './keyspace/node.ts';
import { rdbCodec } from './persistence/codec.ts';
import { defaultSettings, settingsByName } from './persistence/settings.ts';
import { createPersistence } from './persistence/standalone.ts';
import { isWithoutEffect, readDirectives } from './server-options.ts';
import type { Directive } from './server-options.ts';

/** A Redis server of its own, started as redis-server is: `main.ts [redis.conf] [--port 6379] [--appendonly yes] …` */
async function serve(argv: readonly string[]): Promise<void> {
  const directives = readDirectives(argv);
  const node = new Node({ id: 'standalone' });
  const settings = defaultSettings();
  const others = takeSettings(directives, settings);
  const persistence = createPersistence({ settings, node, log: (line) => console.log(line) });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void engine
      .close()
      .then(() => persistence.close())
      .then(() => process.exit(0));
  };
  const password = lastOf(others, 'requirepass')?.words[0];
  const engine = createEngine({
    defaultNode: node,
    codec: rdbCodec,
    saving: persistence.saving,
    ...(password === undefined || password === '' ? {} : { requirePass: password }),
    onShutdown: stop,
  });
  await persistence.open(engine);
  for (const directive of others) await configure(directive);
  const stopBySignal = (): void => {
    persistence.saving.saveForShutdown(undefined).then(stop, () => {
      console.error('The data could not be saved, so the server goes on. Look at the log, or use SHUTDOWN NOSAVE.');
    });
  };
  process.on('SIGTERM', stopBySignal);
  process.on('SIGINT', stopBySignal);
  let port = Number(lastOf(others, 'port')?.words[0] ?? 6379);
  for (const address of lastOf(others, 'bind')?.words ?? ['127.0.0.1']) {
    const host = address.replace(/^-/, '').replace('::*', '::').replace(/^\*$/, '0.0.0.0');
    try {
      port = await engine.listen({ port, host });
      console.log(`Ready to accept connections on ${host}:${port}`);
    } catch (error) {
      // An address with '-' before it need not be there, as in Redis.
      if (!address.startsWith('-')) throw error;
    }
  }

  async function configure(directive: Directive): Promise<void> {
    const { name, words, where } = directive;
    if (OWN.has(name)) return;
    const reply = await engine.execute(node, ['CONFIG', 'SET', name, words.join(' ')]);
    if (reply === 'OK') return;
    if (isWithoutEffect(directive)) console.log(`# The option ${name} has no effect in this server.`);
    else {
      const reason = typeof reply === 'object' && reply !== null && 'error' in reply ? reply.error : 'it was refused';
      throw new Error(`Bad directive or wrong number of arguments in ${where}: ${name} ${words.join(' ')} (${reason})`);
    }
  }
}

/** Options of the server itself, which are no settings of the node. */
const OWN = new Set(['port', 'bind', 'requirepass', 'databases', 'tcp-keepalive']);

/** Takes what persistence knows out of the directives, and returns the others. */
function takeSettings(directives: readonly Directive[], settings: ReturnType<typeof defaultSettings>): Directive[] {
  const known = settingsByName(settings, () => {});
  // Several `save` lines add up.
  const points = directives.filter(({ name }) => name === 'save').map(({ words }) => words.join(' '));
  const others: Directive[] = [];
  for (const directive of directives) {
    const setting = known.get(directive.name);
    if (setting === undefined) others.push(directive);
    else {
      const value = directive.name === 'save' ? points.join(' ') : directive.words.join(' ');
      const problem = setting.set?.(value);
      if (problem !== undefined) throw new Error(`${directive.where}: ${directive.name} ${value}: ${problem}.`);
    }
  }
  return others;
}

function lastOf(directives: readonly Directive[], wanted: string): Directive | undefined {
  return directives.findLast(({ name }) => name === wanted);
}

serve(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
