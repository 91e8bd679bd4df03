import type { Client } from '../clients/server.ts';
import type { ZSetValue } from '../keyspace/zset-value.ts';
import { NOT_POSITIVE, SYNTAX } from '../protocol/errors.ts';
import { changed, integerFrom, settle, writeAs } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';
import { multiPop, popFirst } from './pop-several.ts';
import { secondsArg } from './timeouts.ts';
import { zsetRow } from './rows.ts';
import { asNeeded, windows } from './walk.ts';
import type { Walk } from './walk.ts';

const ENDS = ['MIN', 'MAX'] as const;
type End = (typeof ENDS)[number];

interface Scored {
  readonly member: string;
  readonly score: number;
}

/** Removes up to `count` members from one end of a sorted set and returns them, the outermost first. */
function takeSome(zset: ZSetValue, end: End, count: number): Scored[] {
  const taken: Scored[] = [];
  const number = Math.min(count, zset.size);
  const start = end === 'MIN' ? 0 : zset.size - number;
  zset.range(start, start + number - 1, (score, member) => taken.push({ member, score }));
  for (const { member } of taken) zset.delete(member);
  return end === 'MIN' ? taken : taken.reverse();
}

/** Removes members from one end and replies with them, each as a pair or flat. */
function replySome({ reply }: Client, zset: ZSetValue, end: End, count: number, pairs: boolean): void {
  for (const { member, score } of takeSome(zset, end, count)) {
    if (pairs) reply.array(2);
    reply.bulk(member);
    reply.double(score);
  }
}

/** Accounts for members that were taken. */
function tookSome(client: Client, key: string, zset: ZSetValue, end: End, count: number): void {
  if (count === 0) return;
  changed(client, 'z', end === 'MIN' ? 'zpopmin' : 'zpopmax', key, count);
  settle(client, key, zset);
}

/** Both for a sorted set that is there. */
function take(client: Client, key: string, zset: ZSetValue, end: End, count: number): Scored[] {
  const taken = takeSome(zset, end, count);
  tookSome(client, key, zset, end, taken.length);
  return taken;
}

/** ZPOPMIN and ZPOPMAX. */
function pop(end: End): Run {
  return (client, args) => {
    const { reply } = client;
    if (args.length > 3) {
      reply.error(SYNTAX);
      return undefined;
    }
    const count = args.length === 3 ? integerFrom(client, args[2]!, 0, NOT_POSITIVE) : 1;
    if (count === undefined) return undefined;
    const zset = writeAs(client, args[1]!, 'zset');
    if (zset === null) return undefined;
    const pairs = args.length === 3 && reply.resp3;
    const popped = Math.min(count, zset?.size ?? 0);
    reply.array(pairs ? popped : popped * 2);
    if (popped === 0) return undefined;
    return asNeeded(popped, popAll());
    function* popAll(): Walk {
      yield* windows(popped, (from, to) => replySome(client, zset!, end, to - from, pairs));
      tookSome(client, args[1]!, zset!, end, popped);
    }
  };
}

/** BZPOPMIN and BZPOPMAX. */
function blockingPop(end: End): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const timeout = secondsArg(client, args.at(-1)!);
    if (timeout === undefined) return undefined;
    return popFirst(client, 'zset', args.slice(1, -1), timeout, (key, zset) => {
      const [taken] = take(client, key, zset, end, 1);
      reply.array(3);
      reply.bulk(key);
      reply.bulk(taken!.member);
      reply.double(taken!.score);
      node.propagate(db.index, [end === 'MIN' ? 'ZPOPMIN' : 'ZPOPMAX', key]);
      return undefined;
    });
  };
}

const multiPopOfZsets = (first: 1 | 2): Run =>
  multiPop(first, {
    kind: 'zset',
    letter: 'z',
    ends: ENDS,
    effects: { MIN: 'ZPOPMIN', MAX: 'ZPOPMAX' },
    take: (client, zset, end, count) => replySome(client, zset, end, count, true),
  });

const BLOCKING = 'write blocking';
const KEYS = [1, -2, 1] as const;

export const zsetPopCommands: readonly CommandSpec[] = [
  zsetRow('zpopmin', -2, 'write fast', '5.0.0', 'Removes the members with the lowest scores.', pop('MIN')),
  zsetRow('zpopmax', -2, 'write fast', '5.0.0', 'Removes the members with the highest scores.', pop('MAX')),
  zsetRow(
    'bzpopmin',
    -3,
    `${BLOCKING} fast`,
    '5.0.0',
    'Removes the lowest member, or waits.',
    blockingPop('MIN'),
    KEYS,
  ),
  zsetRow(
    'bzpopmax',
    -3,
    `${BLOCKING} fast`,
    '5.0.0',
    'Removes the highest member, or waits.',
    blockingPop('MAX'),
    KEYS,
  ),
  zsetRow(
    'zmpop',
    -4,
    'write',
    '7.0.0',
    'Removes members from one of several sorted sets.',
    multiPopOfZsets(1),
    countedKeys(1),
  ),
  zsetRow('bzmpop', -5, BLOCKING, '7.0.0', 'Removes members, or waits for them.', multiPopOfZsets(2), countedKeys(2)),
];
