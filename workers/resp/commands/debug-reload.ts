import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import type { ValueCodec } from '../keyspace/codec.ts';
import type { Database } from '../keyspace/database.ts';

/**
 * DEBUG RELOAD and LOADAOF: everything is written down as RDB files have it, let go of and read back, so that what does not
 * survive that shows. It happens in memory and at once; what is on the disk is left alone.
 */
export function reload({ node, reply, server }: Client): void {
  const { codec } = server.host;
  if (codec === undefined) {
    reply.error('ERR Error trying to load the RDB dump, check server logs.');
    return;
  }
  for (const db of node.databases) if (db !== undefined) reloadDatabase(db, codec);
  reply.ok();
}

function reloadDatabase(db: Database, codec: ValueCodec): void {
  const saved: { readonly key: string; readonly payload: string; readonly expireAt: number | undefined }[] = [];
  db.entries.forEach((value, key) => {
    saved.push({ key, payload: codec.serializeValue(value), expireAt: db.expiryOf(key) });
  });
  db.clear();
  for (const { key, payload, expireAt } of saved) {
    // As a server that starts does: what has expired meanwhile is not loaded.
    if (expireAt !== undefined && expireAt <= clock.now) continue;
    const value = codec.deserializeValue(payload, db.owner.encodingLimits);
    if (value === undefined) throw new Error(`What was written of the key ${JSON.stringify(key)} can't be read back.`);
    db.load(key, value, expireAt);
  }
}
