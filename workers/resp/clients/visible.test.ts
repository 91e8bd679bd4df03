import { expect, onTestFinished, test } from 'vitest';
import { openWire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';

test("connections of the platform are not seen by the node's own users, who can't end or unblock them", async () => {
  const node = new Node({ id: 'n' });
  const engine = createEngine({ authenticate: ({ password }) => ({ node, privileged: password === 'platform' }) });
  onTestFinished(() => engine.close());
  const port = await engine.listen({ port: 0 });
  const connect = async (password: string): Promise<(line: string) => Promise<string>> => {
    const wire = await openWire(port);
    onTestFinished(() => wire.close());
    const ask = async (line: string): Promise<string> => (await wire.batch([line.split(' ')]))[0]!.trimEnd();
    expect(await ask(`AUTH ${password}`)).toBe('+OK');
    return ask;
  };
  const platform = await connect('platform');
  const tenant = await connect('tenant');
  const id = (await platform('CLIENT ID')).slice(1);
  const blocked = platform('BLPOP q 0');
  expect((await tenant('CLIENT LIST')).match(/id=/g)).toHaveLength(1);
  expect(await tenant(`CLIENT LIST ID ${id}`)).not.toContain('id=');
  expect(await tenant('INFO clients')).toContain('connected_clients:1\r\n');
  expect(await tenant('INFO clients')).toContain('blocked_clients:0\r\n');
  expect(await tenant(`CLIENT KILL ID ${id}`)).toBe(':0');
  expect(await tenant('CLIENT KILL TYPE normal')).toBe(':0');
  expect(await tenant(`CLIENT UNBLOCK ${id}`)).toBe(':0');
  expect(await tenant(`CLIENT TRACKING on REDIRECT ${id}`)).toMatch(/does not exist$/);
  await tenant('RPUSH q v');
  expect(await blocked).toContain('$1\r\nv');
  expect(await platform('CLIENT LIST')).toContain(`id=${id} `);
});

test('clients that together take more than maxmemory-clients are closed, the greatest first, but not those that must not be', async () => {
  const engine = createEngine({ defaultNode: new Node({ id: 'n' }) });
  onTestFinished(() => engine.close());
  const port = await engine.listen({ port: 0 });
  const [admin, spared, victim] = await Promise.all([1, 2, 3].map(() => openWire(port)));
  onTestFinished(() => [admin, spared].forEach((wire) => wire?.close()));
  const big = 'v'.repeat(200_000);
  await admin!.batch([['CONFIG', 'SET', 'maxmemory-clients', '300000']]);
  await spared!.batch([['CLIENT', 'NO-EVICT', 'on'], ['MULTI'], ['SET', 'k', big], ['SET', 'k', big]]);
  await victim!.batch([['MULTI'], ['SET', 'k', big], ['SET', 'k', big]]);
  await expect(victim!.batch([['EXEC']])).rejects.toThrow();
  expect((await spared!.batch([['EXEC']]))[0]).toContain('+OK');
  expect((await admin!.batch([['INFO', 'stats']]))[0]).toContain('evicted_clients:1\r\n');
});
