import type { Pool } from 'pg';
import { z } from 'zod';

import type { KeyEncryption } from './key-encryption.ts';

const header = { format: 'miniredis-subject-keys', version: 1 } as const;

/** One key as it is backed up: as it lies in the table, wrapped. Of an erased subject only that it was erased. */
const KeyLine = z.strictObject({
  subject: z.string().min(1),
  wrappedKey: z.base64().nullable(),
  createdAt: z.iso.datetime(),
  erasedAt: z.iso.datetime().nullable(),
});

interface Row {
  readonly subject: string;
  readonly wrapped_key: Buffer | null;
  readonly created_at: Date;
  readonly erased_at: Date | null;
}

const pageSize = 1000;

/** A backup of all keys, a line of JSON each, in the order of their subjects. It is of use only together with what wraps the keys. */
export async function* exportKeys(pool: Pool): AsyncIterable<string> {
  yield JSON.stringify(header);
  for (let after = ''; ;) {
    const { rows } = await pool.query<Row>(
      'SELECT subject, wrapped_key, created_at, erased_at FROM subject_keys WHERE subject > $1 ORDER BY subject LIMIT $2',
      [after, pageSize],
    );
    for (const { subject, wrapped_key: wrapped, created_at: created, erased_at: erased } of rows) {
      yield JSON.stringify({
        subject,
        wrappedKey: wrapped?.toString('base64') ?? null,
        createdAt: created.toISOString(),
        erasedAt: erased?.toISOString() ?? null,
      });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = last.subject;
  }
}

/** A backup of keys that can't be used; the message names the line and says why. Nothing was imported. */
export class BadKeyBackup extends Error {
  override readonly name = 'BadKeyBackup';
}

export interface ImportedKeys {
  readonly added: number;
  /** Those that were there already: what the table says stays, above all who was erased. */
  readonly kept: number;
}

/**
 * Puts keys back, all or none. Every key must open under `encryption`, so that a backup of another platform is refused. Who was erased
 * since the backup was made is not known here: reading the log's `SubjectErased` events afterwards destroys their keys again.
 */
export async function importKeys(
  pool: Pool,
  encryption: KeyEncryption,
  lines: AsyncIterable<string>,
): Promise<ImportedKeys> {
  const keys = await parse(encryption, lines);
  const { rowCount } = await pool.query(
    `INSERT INTO subject_keys (subject, wrapped_key, created_at, erased_at)
     SELECT * FROM unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::timestamptz[]) ON CONFLICT (subject) DO NOTHING`,
    [
      keys.map(({ subject }) => subject),
      keys.map(({ wrappedKey }) => (wrappedKey === null ? null : Buffer.from(wrappedKey, 'base64'))),
      keys.map(({ createdAt }) => createdAt),
      keys.map(({ erasedAt }) => erasedAt),
    ],
  );
  const added = rowCount ?? 0;
  return { added, kept: keys.length - added };
}

async function parse(encryption: KeyEncryption, lines: AsyncIterable<string>): Promise<z.infer<typeof KeyLine>[]> {
  const keys: z.infer<typeof KeyLine>[] = [];
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (number === 1) {
      if (line !== JSON.stringify(header)) throw new BadKeyBackup('Line 1: this is no backup of subject keys.');
      continue;
    }
    const parsed = KeyLine.safeParse(jsonOf(line));
    if (!parsed.success || (parsed.data.wrappedKey === null) !== (parsed.data.erasedAt !== null)) {
      throw new BadKeyBackup(`Line ${number}: this is no key.`);
    }
    const { subject, wrappedKey } = parsed.data;
    if (wrappedKey !== null) {
      await encryption.unwrap(subject, Buffer.from(wrappedKey, 'base64')).catch(() => {
        throw new BadKeyBackup(
          `Line ${number}: the key of ${subject} was wrapped by another master key, or is damaged.`,
        );
      });
    }
    keys.push(parsed.data);
  }
  if (number === 0) throw new BadKeyBackup('The file is empty.');
  return keys;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
