import type { Client } from '../clients/server.ts';
import { SYNTAX } from '../protocol/errors.ts';
import type { Reply } from '../protocol/reply.ts';
import { readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { rowsOf } from './rows.ts';
import { placeArg, unitArg, writeDistance, writePlace } from './geo-arguments.ts';
import { bitsOf, cellOf, distance, placeOf, scoreOf, STEP_MAX } from './geo-cell.ts';
import { geoRadius, geoSearch, radiusKeys } from './geo-search.ts';
import { add as addScores } from './zsets.ts';
import { asNeeded, inWindows, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

const OPTIONS = new Set(['NX', 'XX', 'CH']);

/** GEOADD: a ZADD of scores that stand for places, and journaled as one. */
function add(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  let at = 2;
  while (at < args.length && OPTIONS.has(args[at]!.toUpperCase())) at++;
  const options = args.slice(2, at).map((word) => word.toUpperCase());
  if ((args.length - at) % 3 !== 0 || (options.includes('NX') && options.includes('XX'))) {
    reply.error(SYNTAX);
    return undefined;
  }
  return asNeeded(args.length, addPlaces(client, args, at, ['ZADD', args[1]!, ...options]));
}

/** Adds the places that begin at `at`, by a ZADD that begins with `words`. */
function* addPlaces(client: Client, args: readonly string[], at: number, words: string[]): Walk {
  const { db, node } = client;
  for (let i = at; i < args.length; i += 3) {
    const place = placeArg(client, args[i]!, args[i + 1]!);
    if (place === undefined) return;
    words.push(String(scoreOf(place)), args[i + 2]!);
    if (words.length % WINDOW === 0) yield;
  }
  const { dirty } = node;
  const walk = addScores(client, words);
  if (walk !== undefined) yield* walk;
  if (node.dirty !== dirty) node.propagate(db.index, words);
}

/** Replies with something about the score of each of the members that are arguments, or about there being none. */
function ofEach(tell: (reply: Reply, score: number | undefined) => void): Run {
  return (client, args) => {
    const { reply } = client;
    const zset = readAs(client, args[1]!, 'zset');
    if (zset === null) return undefined;
    reply.array(args.length - 2);
    return inWindows(args.length - 2, (from, to) => {
      for (let i = from + 2; i < to + 2; i++) tell(reply, zset?.score(args[i]!));
    });
  };
}

const positions = ofEach((reply, score) => {
  if (score === undefined) reply.nullArray();
  else writePlace(reply, placeOf(score));
});

function distanceBetween(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const unit = args.length === 5 ? unitArg(client, args[4]!) : 1;
  if (unit === undefined) return;
  if (args.length > 5) {
    reply.error(SYNTAX);
    return;
  }
  const zset = readAs(client, args[1]!, 'zset');
  if (zset === null) return;
  const from = zset?.score(args[2]!);
  const to = zset?.score(args[3]!);
  if (from === undefined || to === undefined) reply.null();
  else writeDistance(reply, distance(placeOf(from), placeOf(to)) / unit);
}

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';

/** The geohash others use: of latitudes up to 90, five bits a letter; the eleventh letter has no bits left. */
function geohashOf(score: number): string {
  const bits = BigInt(bitsOf(cellOf(placeOf(score), STEP_MAX, 90)));
  let text = '';
  for (let shift = 47n; shift > 0n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)]!;
  return `${text}0`;
}

const hashes = ofEach((reply, score) => reply.bulkOrNull(score === undefined ? undefined : geohashOf(score)));

const row = rowsOf('geo');

const WRITE = 'write denyoom';
const BY_PLACE = 'Queries members within a distance of a place.';
const BY_MEMBER = 'Queries members within a distance of a member.';

export const geoCommands: readonly CommandSpec[] = [
  row('geoadd', -5, WRITE, '3.2.0', 'Adds members with their longitude and latitude.', add),
  row('geopos', -2, 'readonly', '3.2.0', 'Returns the longitude and latitude of members.', positions),
  row('geodist', -4, 'readonly', '3.2.0', 'Returns the distance between two members.', distanceBetween),
  row('geohash', -2, 'readonly', '3.2.0', 'Returns members as geohash strings.', hashes),
  row('geosearch', -7, 'readonly', '6.2.0', 'Queries members inside a circle or a box.', geoSearch(false)),
  row('geosearchstore', -8, WRITE, '6.2.0', 'Stores the members inside a circle or a box.', geoSearch(true), [1, 2, 1]),
  row('georadius', -6, WRITE, '3.2.0', BY_PLACE, geoRadius('place', true), radiusKeys(6)),
  row('georadius_ro', -6, 'readonly', '3.2.10', BY_PLACE, geoRadius('place', false)),
  row('georadiusbymember', -5, WRITE, '3.2.0', BY_MEMBER, geoRadius('member', true), radiusKeys(5)),
  row('georadiusbymember_ro', -5, 'readonly', '3.2.10', BY_MEMBER, geoRadius('member', false)),
];
