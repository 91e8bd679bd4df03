import { afterAll, beforeAll } from 'vitest';
import { redisBinaries } from './redis-binaries.ts';
import type { Engine, EngineOptions } from '#workers/resp/engine-api.ts';
import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { startReference } from '#workers/resp/conformance/reference.ts';
import { openWire } from '#workers/resp/conformance/wire.ts';
import type { Wire } from '#workers/resp/conformance/wire.ts';

/** An engine and a real redis-server, and a connection to each; there from the first test of a file to its last. */
export interface Beside {
  readonly engine: Engine;
  /** Where the engine listens, and where the real server does. */
  readonly ports: readonly [ours: number, theirs: number];
  readonly ours: Wire;
  readonly theirs: Wire;
}

/** To be called once at the top of a test file: `theirSettings` are the real server's, the rest is for the engine. */
export function besideReference({
  theirSettings = [],
  ...options
}: EngineOptions & { readonly theirSettings?: readonly string[] } = {}): Beside {
  const engine = createEngine({ defaultNode: new Node({ id: 'beside' }), ...options });
  const beside = { engine } as { -readonly [Field in keyof Beside]: Beside[Field] };
  let stop = async (): Promise<void> => {};

  beforeAll(async () => {
    const { server, env } = await redisBinaries();
    const reference = await startReference(server, env, theirSettings);
    stop = () => reference.stop();
    beside.ports = [await engine.listen({ port: 0 }), reference.port];
    beside.ours = await openWire(beside.ports[0]);
    beside.theirs = await openWire(beside.ports[1]);
  }, 120_000);

  afterAll(async () => {
    beside.ours.close();
    beside.theirs.close();
    await engine.close();
    await stop();
  });
  return beside;
}
