/** The numbers of the RDB format, from Redis's rdb.h (7.2). */

/** The version written: what Redis 7.0 and every later server load. */
export const RDB_VERSION = 10;
/** The newest version that is read (Redis 7.4 and Valkey 8). */
export const RDB_VERSION_MAX = 12;

/** What introduces something else than a key. */
export const OPCODE = {
  slotInfo: 244,
  function2: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resizeDb: 251,
  expireMs: 252,
  expireSeconds: 253,
  selectDb: 254,
  end: 255,
} as const;

/**
 * The name of the auxiliary field that carries an ACL user, `<name> <rules as ACL LIST shows them>`, one field a user.
 * Real servers pass over fields they do not know; in Redis itself users are no part of a dump.
 */
export const AUX_ACL_USER = 'miniredis-acl-user';

/** The encodings of values this engine reads; it writes the first four, `zset2` and `stream2`. */
export const TYPE = {
  string: 0,
  list: 1,
  set: 2,
  hash: 4,
  zset: 3,
  zset2: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  setListpack: 20,
  stream: 15,
  stream2: 19,
  stream3: 21,
} as const;

/** Types that are known and not held by this engine, and what they are, for the error that refuses them. */
export const UNSUPPORTED: Readonly<Record<number, string>> = {
  6: 'a module type',
  7: 'a module type',
  22: 'a hash with field expiry',
  23: 'a hash with field expiry',
  24: 'a hash with field expiry',
  25: 'a hash with field expiry',
};

/** Redis's limit of one string, less what V8 cannot hold. */
export const STRING_MAX = 0x1fffffe8;

/** A file or payload that is damaged, cut short, or holds what this engine does not. `offset` is in bytes from its start. */
export class RdbError extends Error {
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`The RDB data can't be read at byte ${offset}: ${reason}`);
    this.name = 'RdbError';
    this.offset = offset;
  }
}
