import type { Client } from '../clients/server.ts';
import { ZSetValue } from '../keyspace/zset-value.ts';
import { changed, makeRoom, readAs } from './arguments.ts';
import type { Run } from './command.ts';
import { placeArg, writeDistance, writePlace } from './geo-arguments.ts';
import { distanceWithin, firstScore, placeOf, scoreSpan } from './geo-cell.ts';
import type { Place, Shape } from './geo-cell.ts';
import { coverOf } from './geo-cover.ts';
import { memberPlace, noOptions, readOptions, readRadius } from './geo-options.ts';
import type { SearchOptions } from './geo-options.ts';
import { asNeeded, each, sortInSteps, windows } from './walk.ts';
import type { Walk } from './walk.ts';

/** A member that was found. */
interface Found {
  readonly member: string;
  readonly score: number;
  readonly place: Place;
  readonly metres: number;
}

function scaled(by: Shape['by'], unit: number): Shape['by'] {
  return 'radius' in by ? { radius: by.radius * unit } : { width: by.width * unit, height: by.height * unit };
}

/** The members within a shape, up to `limit` of them (0 means all). */
function* search(zset: ZSetValue, shape: Shape, limit: number): Generator<void, Found[]> {
  const found: Found[] = [];
  for (const cell of coverOf(shape)) {
    if (limit > 0 && found.length >= limit) break;
    const min = firstScore(cell);
    const start = zset.rankOf((score) => score < min);
    const end = zset.rankOf((score) => score < min + scoreSpan(cell));
    yield* windows(end - start, (from, to) =>
      zset.range(start + from, start + to - 1, (score, member) => {
        if (limit > 0 && found.length >= limit) return;
        const place = placeOf(score);
        const metres = distanceWithin(shape, place);
        if (metres !== undefined) found.push({ member, score, place, metres });
      }),
    );
  }
  return found;
}

/** Replies with what was found, or stores it. */
function* answer(client: Client, zset: ZSetValue | undefined, options: SearchOptions, event: string): Walk {
  const { reply } = client;
  const { count, any, store, centre, by, unit } = options;
  let found: Found[] = [];
  if (zset !== undefined && centre !== undefined && by !== undefined) {
    found = yield* search(zset, { centre, by: scaled(by, unit) }, any ? count : 0);
  }
  const order = options.order ?? (count > 0 && !any ? 'ASC' : undefined);
  if (order === 'ASC') found = yield* sortInSteps(found, (a, b) => a.metres - b.metres);
  if (order === 'DESC') found = yield* sortInSteps(found, (a, b) => b.metres - a.metres);
  if (count > 0) found = found.slice(0, count);
  if (store !== undefined) {
    yield* storeFound(client, store, found, options, event);
    return;
  }
  const extra = [options.withDistance, options.withHash, options.withPlace].filter(Boolean).length;
  reply.array(found.length);
  yield* each(found, ({ member, score, place, metres }) => {
    if (extra > 0) reply.array(extra + 1);
    reply.bulk(member);
    if (options.withDistance) writeDistance(reply, metres / unit);
    if (options.withHash) reply.integer(Math.trunc(score));
    if (options.withPlace) writePlace(reply, place);
  });
}

/** Journaled as what was stored, since distances are the processor's business down to the last digit. */
function* storeFound(
  client: Client,
  key: string,
  found: readonly Found[],
  options: SearchOptions,
  event: string,
): Walk {
  const { db, node, reply } = client;
  if (found.length === 0) {
    if (makeRoom(client, key)) node.propagate(db.index, ['DEL', key]);
    reply.integer(0);
    return;
  }
  const zset = new ZSetValue();
  const words = ['ZADD', key];
  yield* each(found, ({ member, score, metres }) => {
    const points = options.storeDistance ? metres / options.unit : score;
    zset.set(member, points, node.encodingLimits);
    words.push(String(points), member);
  });
  db.replace(key, zset);
  changed(client, 'z', event, key, found.length);
  node.propagate(db.index, ['DEL', key]);
  node.propagate(db.index, words);
  reply.integer(found.length);
}

/** GEORADIUS and GEORADIUSBYMEMBER, and those that only read. */
export function geoRadius(from: 'place' | 'member', mayStore: boolean): Run {
  return (client, args) => {
    const zset = readAs(client, args[1]!, 'zset');
    if (zset === null) return undefined;
    const optionsAt = from === 'place' ? 6 : 5;
    const options = noOptions();
    // Around a member of a key that is not there, neither the member nor the distance is looked at.
    if (from === 'place' || zset !== undefined) {
      options.centre = from === 'place' ? placeArg(client, args[2]!, args[3]!) : memberPlace(client, zset!, args[2]!);
      if (options.centre === undefined) return undefined;
      if (!readRadius(client, options, args[optionsAt - 2]!, args[optionsAt - 1]!)) return undefined;
    }
    const form = mayStore ? 'radius' : 'radius-ro';
    if (!readOptions(client, args, optionsAt, zset, options, form)) return undefined;
    return asNeeded(zset?.size ?? 0, answer(client, zset, options, 'georadiusstore'));
  };
}

/** GEOSEARCH and GEOSEARCHSTORE. */
export function geoSearch(store: boolean): Run {
  return (client, args) => {
    const zset = readAs(client, args[store ? 2 : 1]!, 'zset');
    if (zset === null) return undefined;
    const options = noOptions(store ? args[1]! : undefined);
    const form = store ? 'searchstore' : 'search';
    if (!readOptions(client, args, store ? 3 : 2, zset, options, form)) return undefined;
    return asNeeded(zset?.size ?? 0, answer(client, zset, options, 'geosearchstore'));
  };
}

/** Where the keys of GEORADIUS are: the source, and what STORE or STOREDIST names among the options. */
export function radiusKeys(optionsAt: number): (args: readonly string[]) => number[] {
  return (args) => {
    const keys = [1];
    for (let at = optionsAt; at + 1 < args.length; at++) {
      if (/^store(?:dist)?$/i.test(args[at]!)) keys[1] = ++at;
    }
    return keys;
  };
}
