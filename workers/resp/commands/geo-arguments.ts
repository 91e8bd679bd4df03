import type { Client } from '../clients/server.ts';
import type { Reply } from '../protocol/reply.ts';
import { doubleArg } from './arguments.ts';
import { LATITUDE_MAX, LONGITUDE_MAX } from './geo-cell.ts';
import type { Place } from './geo-cell.ts';

/** Reads a longitude and a latitude; else replies with the error and returns undefined. */
export function placeArg(client: Client, x: string, y: string): Place | undefined {
  const longitude = doubleArg(client, x);
  if (longitude === undefined) return undefined;
  const latitude = doubleArg(client, y);
  if (latitude === undefined) return undefined;
  if (Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX) return { longitude, latitude };
  client.reply.error(`ERR invalid longitude,latitude pair ${sixPlaces(longitude)},${sixPlaces(latitude)}`);
  return undefined;
}

/** A double as C prints it with six places. */
function sixPlaces(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Math.abs(value) < 1e21) return `${Object.is(value, -0) ? '-' : ''}${value.toFixed(6)}`;
  return `${BigInt(value)}.000000`;
}

const METRES: Readonly<Record<string, number>> = { m: 1, km: 1000, ft: 0.3048, mi: 1609.34 };

/** Reads a unit as metres; else replies with the error and returns undefined. */
export function unitArg(client: Client, text: string): number | undefined {
  const metres = METRES[text.toLowerCase()];
  if (metres === undefined) client.reply.error('ERR unsupported unit provided. please use M, KM, FT, MI');
  return metres;
}

/** Replies with a distance. */
export function writeDistance(reply: Reply, value: number): void {
  reply.bulk(value.toFixed(4));
}

/** Replies with a place, to 17 places after the point as far as they are not zero. */
export function writePlace(reply: Reply, { longitude, latitude }: Place): void {
  reply.array(2);
  for (const value of [longitude, latitude]) {
    const text = value.toFixed(17).replace(/\.?0+$/, '');
    if (reply.resp3) reply.out += `,${text}\r\n`;
    else reply.bulk(text);
  }
}
