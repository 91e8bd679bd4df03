import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DomainEvent } from '#domains/kernel/decider.ts';
import { Client, Pool } from 'pg';
import type { Store } from './store.ts';

const sources = path.resolve(import.meta.dirname, '../../node_modules/@eventide/message-db/database');
/** What its install.sh does, in that order, without privileges and views, which writing does not need. */
const steps = [
  'schema/message-store.sql',
  'extensions/pgcrypto.sql',
  'types',
  'tables/messages.sql',
  'functions',
  'indexes',
];

/** Installs message-db's own SQL; its functions call each other, so all of them are there before one is called. */
async function install(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SET check_function_bodies = off');
    for (const step of steps) {
      if (step === 'functions') await client.query('SET search_path TO message_store, public');
      const files = step.endsWith('.sql')
        ? [step]
        : (await readdir(path.join(sources, step))).map((name) => `${step}/${name}`);
      for (const file of files) await client.query(await readFile(path.join(sources, file), 'utf8'));
    }
  } finally {
    await client.end();
  }
}

/** Appends by `write_message`, both events in one statement: so they are one transaction and one trip to the server. */
export async function openMessageDb(url: string): Promise<Store> {
  await install(url);
  const pool = new Pool({ connectionString: url, max: 32, options: '-c search_path=message_store,public' });
  const writeTwo = {
    name: 'write',
    text: `SELECT write_message($1, $2, $3, $4, NULL, -1), write_message($5, $2, $6, $7, NULL, 0)`,
  };
  return {
    label: 'message-db',
    async append(stream: string, events: readonly DomainEvent[]) {
      const [first, second] = events.map(({ type, data }) => [randomUUID(), type, JSON.stringify(data)] as const);
      if (first === undefined || second === undefined || events.length > 2)
        throw new Error('two events, no more or less');
      await pool.query({ ...writeTwo, values: [first[0], stream, first[1], first[2], ...second] });
    },
    close: () => pool.end(),
  };
}
