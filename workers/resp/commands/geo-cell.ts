/** A square of the map: at `step` the world is 2^step by 2^step of them, counted from the south-west. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly step: number;
}

/** A place: longitude and latitude in degrees. */
export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

/** The steps of a member's score, 52 bits in all. */
export const STEP_MAX = 26;
export const LATITUDE_MAX = 85.05112878;
export const LONGITUDE_MAX = 180;

/** The cell of a place; `latitudeMax` is 90 for the geohash others use. */
export function cellOf({ longitude, latitude }: Place, step: number, latitudeMax = LATITUDE_MAX): Cell {
  const size = 2 ** step;
  const x = Math.trunc(((longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX)) * size);
  return { x, y: Math.trunc(((latitude + latitudeMax) / (latitudeMax + latitudeMax)) * size), step };
}

/** The edges of a cell. */
export function edgesOf({ x, y, step }: Cell) {
  const size = 2 ** step;
  const height = LATITUDE_MAX + LATITUDE_MAX;
  return {
    west: -LONGITUDE_MAX + (x / size) * 2 * LONGITUDE_MAX,
    east: -LONGITUDE_MAX + ((x + 1) / size) * 2 * LONGITUDE_MAX,
    south: -LATITUDE_MAX + (y / size) * height,
    north: -LATITUDE_MAX + ((y + 1) / size) * height,
  };
}

/** The cell `dx` to the east and `dy` to the north, around the world; what is not moved is left as it is. */
export function neighbour({ x, y, step }: Cell, dx: number, dy: number): Cell {
  const size = 2 ** step;
  return { x: dx === 0 ? x : (x + dx + size) % size, y: dy === 0 ? y : (y + dy + size) % size, step };
}

/** Spreads the lowest 16 bits, leaving a zero after each. */
function spread(bits: number): number {
  let value = bits & 0xffff;
  value = (value | (value << 8)) & 0x00ff_00ff;
  value = (value | (value << 4)) & 0x0f0f_0f0f;
  value = (value | (value << 2)) & 0x3333_3333;
  return (value | (value << 1)) & 0x5555_5555;
}

/** Takes every other bit of 32. */
function gather(bits: number): number {
  let value = bits & 0x5555_5555;
  value = (value | (value >>> 1)) & 0x3333_3333;
  value = (value | (value >>> 2)) & 0x0f0f_0f0f;
  value = (value | (value >>> 4)) & 0x00ff_00ff;
  return (value | (value >>> 8)) & 0xffff;
}

/** The bits of a cell, latitude and longitude in turn. */
export function bitsOf({ x, y }: Cell): number {
  const low = ((spread(x) << 1) | spread(y)) >>> 0;
  const high = ((spread(x >>> 16) << 1) | spread(y >>> 16)) >>> 0;
  return high * 2 ** 32 + low;
}

/** The least score in a cell; `scoreSpan` further is the first beyond it. */
export function firstScore(cell: Cell): number {
  return bitsOf(cell) * scoreSpan(cell);
}

export function scoreSpan({ step }: Cell): number {
  return 2 ** (2 * (STEP_MAX - step));
}

/** The score of a place. */
export function scoreOf(place: Place): number {
  return bitsOf(cellOf(place, STEP_MAX));
}

/** A score as 64 bits. What is no cell's number wraps around as C converts it, which Redis leaves it at. */
function wordsOf(score: number): { low: number; high: number } {
  if (score >= 0 && score < 2 ** 64) return { low: Math.trunc(score) % 2 ** 32, high: Math.floor(score / 2 ** 32) };
  if (score >= 2 ** 64) return { low: 0, high: 0 };
  if (!(score > -(2 ** 63))) return { low: 0, high: 2 ** 31 };
  const bits = BigInt.asUintN(64, BigInt(Math.trunc(score)));
  return { low: Number(bits & 0xffff_ffffn), high: Number(bits >> 32n) };
}

/** The place a score stands for: the middle of its cell. */
export function placeOf(score: number): Place {
  const { low, high } = wordsOf(score);
  const x = gather(high >>> 1) * 65_536 + gather(low >>> 1);
  const y = gather(high) * 65_536 + gather(low);
  const { west, east, south, north } = edgesOf({ x, y, step: STEP_MAX });
  return {
    longitude: Math.max(-LONGITUDE_MAX, Math.min(LONGITUDE_MAX, (west + east) / 2)),
    latitude: Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, (south + north) / 2)),
  };
}

const EARTH_METRES = 6372797.560856;

/** Degrees as an angle. */
function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

function latitudeDistance(from: number, to: number): number {
  return EARTH_METRES * Math.abs(radians(to) - radians(from));
}

/** Metres between two places by the haversine formula. */
export function distance(from: Place, to: Place): number {
  const v = Math.sin((radians(to.longitude) - radians(from.longitude)) / 2);
  if (v === 0) return latitudeDistance(from.latitude, to.latitude);
  const latitude1 = radians(from.latitude);
  const latitude2 = radians(to.latitude);
  const u = Math.sin((latitude2 - latitude1) / 2);
  const a = u * u + Math.cos(latitude1) * Math.cos(latitude2) * v * v;
  return 2 * EARTH_METRES * Math.asin(Math.sqrt(a));
}

/** What is searched: a circle or a box around a place, in metres. */
export interface Shape {
  readonly centre: Place;
  readonly by: { readonly radius: number } | { readonly width: number; readonly height: number };
}

/** How far a place within a shape is from its centre; undefined for one outside. */
export function distanceWithin({ centre, by }: Shape, place: Place): number | undefined {
  if ('width' in by) {
    if (latitudeDistance(place.latitude, centre.latitude) > by.height / 2) return undefined;
    const across = distance(place, { longitude: centre.longitude, latitude: place.latitude });
    return across > by.width / 2 ? undefined : distance(centre, place);
  }
  const metres = distance(centre, place);
  return metres > by.radius ? undefined : metres;
}

/** The box of degrees around a shape. */
export function boundsOf({ centre, by }: Shape) {
  const height = 'width' in by ? by.height / 2 : by.radius;
  const width = 'width' in by ? by.width / 2 : by.radius;
  const degrees = (angle: number): number => angle / (Math.PI / 180);
  const up = degrees(height / EARTH_METRES);
  // Meridians are closest on the side of the pole that is nearer.
  const edge = centre.latitude < 0 ? centre.latitude - up : centre.latitude + up;
  const aside = degrees(width / EARTH_METRES / Math.cos(radians(edge)));
  return {
    west: centre.longitude - aside,
    east: centre.longitude + aside,
    south: centre.latitude - up,
    north: centre.latitude + up,
  };
}
