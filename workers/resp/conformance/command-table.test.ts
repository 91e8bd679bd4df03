import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import type { ReplyValue } from '../engine-api.ts';
import { readReply } from '../protocol/reply-value.ts';
import { openWire } from './wire.ts';

/** Where Redis 7.2, which the engine follows, differs from the reference, 7.0; by command, the fields that do. */
const OF_7_2: Readonly<Record<string, readonly string[]>> = {
  'client|no-touch': ['new'],
  'client|setinfo': ['new'],
  'cluster|myshardid': ['new'],
  'cluster|shards': ['flags'],
  'cluster|slots': ['flags'],
  // They may be called from scripts, where they do not block.
  blmove: ['flags'],
  brpoplpush: ['flags'],
  blpop: ['flags'],
  brpop: ['flags'],
  bzpopmin: ['flags'],
  bzpopmax: ['flags'],
  wait: ['flags', 'categories'],
  waitaof: ['new'],
  // WITHSCORE.
  zrank: ['arity'],
  zrevrank: ['arity'],
  'command|getkeys': ['arity'],
  'command|getkeysandflags': ['arity'],
  'acl|deluser': ['tips'],
  'acl|save': ['tips'],
  'acl|setuser': ['tips'],
  'client|setname': ['tips'],
  'config|resetstat': ['tips'],
  'config|rewrite': ['tips'],
  'latency|reset': ['tips'],
  msetnx: ['tips'],
  randomkey: ['tips'],
  scan: ['tips'],
};

const beside = besideReference();

const sorted = (set: ReplyValue | undefined): string[] => [...(set as ReadonlySet<string>)].sort();

/** A key specification with its flags in order; Redis's remarks for people are not compared. */
function plainPlaces(value: ReplyValue | undefined): unknown {
  return [...(value as ReadonlySet<ReadonlyMap<string, ReplyValue>>)].map((place) => ({
    flags: sorted(place.get('flags')),
    begin: place.get('begin_search'),
    find: place.get('find_keys'),
  }));
}

async function table(of: number): Promise<Map<string, Record<string, unknown>>> {
  const wire = await openWire(of);
  const [, reply] = await wire.batch([['HELLO', '3'], ['COMMAND']]);
  wire.close();
  const rows = new Map<string, Record<string, unknown>>();
  const add = (commands: readonly ReplyValue[]): void => {
    for (const command of commands) {
      const [name, arity, flags, first, last, step, categories, tips, places, subcommands] =
        command as readonly ReplyValue[];
      rows.set(name as string, {
        arity,
        flags: sorted(flags),
        keys: [first, last, step],
        categories: sorted(categories),
        tips: sorted(tips),
        places: plainPlaces(places),
      });
      add([...(subcommands as Iterable<ReplyValue>)]);
    }
  };
  add(readReply(reply!) as readonly ReplyValue[]);
  return rows;
}

/** Whether the real server is no 7.2 yet: with one first on the PATH nothing may differ. */
async function referenceIsOlder(): Promise<boolean> {
  const [info] = await beside.theirs.batch([['INFO', 'server']]);
  return !/redis_version:7\.2\./.test(info!);
}

test('arity, flags, keys, tips and ACL categories of every command are those of a real redis-server', async () => {
  const [ours, theirs] = [await table(beside.ports[0]), await table(beside.ports[1])];
  expect(ours.size).toBeGreaterThan(200);
  const older = await referenceIsOlder();
  for (const [name, row] of ours) {
    const exceptions = (older ? OF_7_2[name] : undefined) ?? [];
    const real = theirs.get(name);
    if (exceptions.includes('new')) expect(real, name).toBeUndefined();
    for (const field of exceptions.includes('new') ? [] : Object.keys(row)) {
      if (!exceptions.includes(field)) expect({ [field]: row[field] }, name).toEqual({ [field]: real?.[field] });
    }
  }
});

test('COMMAND GETKEYSANDFLAGS tells what is done with each key', async () => {
  const wires = await Promise.all(beside.ports.map(openWire));
  for (const line of [
    'GET k',
    'SET k v',
    'SET k v GET',
    'SET k v EX 10',
    'MSET a 1 b 2',
    'COPY a b',
    'BITFIELD k GET u8 0',
    'BITFIELD k SET u8 0 1',
    'BITFIELD k OVERFLOW SAT GET u8 0',
    'ZUNIONSTORE d 2 a b',
    'SORT l STORE d',
    'SORT l',
    'LMPOP 2 a b LEFT',
    'DEL a b',
    'PING x',
    'GET a b',
    'NOSUCH x',
    'LMOVE a b LEFT RIGHT',
    'EXISTS a b',
    'OBJECT ENCODING k',
    'SINTERCARD 2 a b',
    'SUBSCRIBE ch',
    'SPUBLISH ch m',
    'BLPOP a b 0',
  ]) {
    const request = ['COMMAND', 'GETKEYSANDFLAGS', ...line.split(' ')];
    const [ours, theirs] = await Promise.all(wires.map((wire) => wire.batch([request])));
    expect(ours, line).toEqual(theirs);
  }
  for (const wire of wires) wire.close();
});

type Tree = ReadonlyMap<string, ReplyValue>;

/** The tokens that a description of arguments knows, at any depth. */
function tokensOf(found: ReplyValue | undefined): string[] {
  return ((found ?? []) as readonly Tree[]).flatMap((one) => {
    const token = one.get('token');
    return [...(typeof token === 'string' ? [token] : []), ...tokensOf(one.get('arguments'))];
  });
}

test('COMMAND DOCS knows the tokens, the age and the group of every command that a real redis-server tells of', async () => {
  const docs = await Promise.all(
    beside.ports.map(async (of) => {
      const wire = await openWire(of);
      const [, reply] = await wire.batch([
        ['HELLO', '3'],
        ['COMMAND', 'DOCS'],
      ]);
      wire.close();
      const found = new Map<string, Tree>();
      const add = (tree: Tree): void => {
        for (const [name, one] of tree as ReadonlyMap<string, Tree>) {
          found.set(name, one);
          add((one.get('subcommands') ?? new Map()) as Tree);
        }
      };
      add(readReply(reply!) as Tree);
      return found;
    }),
  );
  const [ours, theirs] = docs as [Map<string, Tree>, Map<string, Tree>];
  const wrong: string[] = [];
  for (const [name, real] of theirs) {
    const own = ours.get(name);
    if (own === undefined) continue;
    for (const field of ['group', 'since']) {
      if (own.get(field) !== real.get(field)) wrong.push(`${name} ${field} ${JSON.stringify(real.get(field))}`);
    }
    // 7.2 discourages more than 7.0 did, but no longer CLUSTER SLOTS.
    const since = real.get('deprecated_since');
    if (since !== undefined && name !== 'cluster|slots') expect(own.get('deprecated_since'), name).toBe(since);
    const tokens = new Set(tokensOf(own.get('arguments')));
    expect(
      tokensOf(real.get('arguments')).filter((token) => !tokens.has(token)),
      name,
    ).toEqual([]);
  }
  // 7.2 has corrected it.
  expect(wrong).toEqual((await referenceIsOlder()) ? ['client|pause since "2.9.50"'] : []);
});
