import { beforeEach, describe, expect, test } from 'vitest';
import { openWire } from '../conformance/wire.ts';
import type { Wire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import type { Effect } from '../keyspace/journal.ts';
import { Node } from '../keyspace/node.ts';
import { loadRdb } from '../persistence/load.ts';
import { snapshotRdb } from '../persistence/snapshot.ts';

let node: Node;
let engine: Engine;
let port = 0;
const effects: Effect[] = [];
const open: Wire[] = [];

beforeEach(async () => {
  effects.length = 0;
  node = new Node({
    id: 'a',
    journal: {
      append: (db, args) => void effects.push({ db, args }),
      appendBlock: (block) => void effects.push(...block),
      records: true,
      holdsReplies: false,
      isDurable: false,
      whenKept: (callback) => callback(true),
      whenDurable: (callback) => callback(true),
      failure: undefined,
    },
  });
  engine = createEngine({ defaultNode: node });
  port = await engine.listen({ port: 0 });
  return async () => {
    for (const wire of open.splice(0)) wire.close();
    await engine.close();
  };
});

async function connect(...login: string[]): Promise<(line: string) => Promise<string>> {
  const wire = await openWire(port);
  open.push(wire);
  if (login.length > 0) expect(await wire.batch([['AUTH', ...login]])).toEqual(['+OK\r\n']);
  return async (line) => (await wire.batch([line.split(' ')]))[0]!.trimEnd();
}

describe('a restricted user', () => {
  test('may do what a rule allows and nothing else, and what it may not do is logged', async () => {
    const admin = await connect();
    await admin('ACL SETUSER alice on >pw +get +set +client|id +select|1 +multi +exec %R~r:* ~rw:* &news.*');
    const alice = await connect('alice', 'pw');
    expect(await alice('GET r:1')).toBe('$-1');
    expect(await alice('SET rw:1 x')).toBe('+OK');
    expect(await alice('SET r:1 x')).toBe('-NOPERM No permissions to access a key');
    expect(await alice('DEL rw:1')).toBe("-NOPERM User alice has no permissions to run the 'del' command");
    expect(await alice('CLIENT ID')).toMatch(/^:/);
    expect(await alice('CLIENT LIST')).toBe("-NOPERM User alice has no permissions to run the 'client|list' command");
    expect(await alice('SELECT 1')).toBe('+OK');
    expect(await alice('SELECT 2')).toBe("-NOPERM User alice has no permissions to run the 'select' command");
    expect(await alice('MULTI')).toBe('+OK');
    expect(await alice('GET other')).toBe('-NOPERM No permissions to access a key');
    expect(await alice('EXEC')).toMatch(/^-EXECABORT/);
    const log = await admin('ACL LOG');
    for (const word of ['multi', 'toplevel', 'client|list', 'r:1', 'other', 'alice']) expect(log).toContain(word);
    expect(await admin('ACL LOG RESET')).toBe('+OK');
    expect(await admin('ACL LOG')).toBe('*0');
  });

  test('is held to its channels, and cut off when one it listens to is taken away', async () => {
    const admin = await connect();
    await admin('ACL SETUSER alice on nopass +@pubsub +ping &news.*');
    const alice = await connect('alice', '');
    expect(await alice('PUBLISH other x')).toBe('-NOPERM No permissions to access a channel');
    expect(await alice('PSUBSCRIBE news.1*')).toBe('-NOPERM No permissions to access a channel');
    expect(await alice('SUBSCRIBE news.1')).toContain('subscribe');
    await admin('ACL SETUSER alice resetchannels &weather');
    await expect(alice('PING')).rejects.toThrow('closed');
  });

  test('is stopped at EXEC when a right was withdrawn after a command was queued', async () => {
    const admin = await connect();
    await admin('ACL SETUSER alice on nopass ~* +@all');
    const alice = await connect('alice', '');
    await alice('MULTI');
    await alice('SET k v');
    await admin('ACL SETUSER alice -set');
    expect(await alice('EXEC')).toContain('no permission to execute the command or subcommand');
    expect(await admin('EXISTS k')).toBe(':0');
  });

  test('has its connections closed when it is deleted; one that is off can not log in', async () => {
    const admin = await connect();
    await admin('ACL SETUSER alice on nopass +@all');
    const alice = await connect('alice', '');
    expect(await admin('ACL DELUSER alice')).toBe(':1');
    await expect(alice('PING')).rejects.toThrow('closed');
    await admin('ACL SETUSER bob off nopass');
    expect(await admin('AUTH bob x')).toMatch(/^-WRONGPASS/);
  });

  test('that is allowed by one of its selectors as a whole may go on', async () => {
    const admin = await connect();
    await admin('ACL SETUSER alice on nopass (+get ~g*) (+set ~s*)');
    const alice = await connect('alice', '');
    expect(await alice('GET g')).toBe('$-1');
    expect(await alice('SET s 1')).toBe('+OK');
    expect(await alice('GET s')).toBe('-NOPERM No permissions to access a key');
  });
});

test('the default user can be restricted, and a password asked of new connections', async () => {
  const admin = await connect();
  await admin('ACL SETUSER root on >r ~* &* +@all');
  await admin('ACL SETUSER default >secret -flushall');
  const stranger = await connect();
  expect(await stranger('PING')).toBe('-NOAUTH Authentication required.');
  const known = await connect('secret');
  expect(await known('FLUSHALL')).toMatch(/^-NOPERM/);
  expect(await admin('FLUSHALL')).toMatch(/^-NOPERM/);
});

test('users come back from the journal, which holds no password, and from an RDB file', async () => {
  const admin = await connect();
  await admin('ACL SETUSER alice on >wonderland ~a* %R~b* &c -@all +@read -get (+set ~x)');
  await admin('ACL SETUSER bob on nopass');
  await admin('ACL DELUSER bob');
  const users = await admin('ACL LIST');
  expect(JSON.stringify(effects)).not.toContain('wonderland');
  const replayed = new Node({ id: 'b' });
  for (const { db, args } of effects) engine.applyJournaled(replayed, db, args);
  expect(replayed.aclUsers).toEqual(node.aclUsers);
  const loaded = new Node({ id: 'c' });
  await loadRdb(snapshotRdb(node).stream, loaded, Date.now());
  expect(loaded.aclUsers).toEqual(node.aclUsers);
  await admin('ACL DELUSER alice');
  engine.replaceKeyspace(node, loaded);
  expect(await admin('ACL LIST')).toBe(users);
});

test('a tenant gives no more rules at once than a user can have: to apply very many would stop all nodes of the process', async () => {
  const tenant = new Node({ id: 'tenant' });
  const shared = createEngine({ authenticate: () => ({ node: tenant }) });
  try {
    const rules = Array.from({ length: 100_000 }, (_, n) => `~key:${n}`);
    expect(await shared.execute(tenant, ['ACL', 'SETUSER', 'many', 'on', ...rules])).toEqual({
      error: 'ERR The rules of an ACL user can take at most 16384 characters.',
    });
    expect(await shared.execute(tenant, ['ACL', 'SETUSER', 'many', 'on', ...rules.slice(0, 1000)])).toBe('OK');
  } finally {
    await shared.close();
  }
});
