import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

import type { Pool } from 'pg';

import { underMasterKey, type KeyEncryption } from './key-encryption.ts';
import type { MasterKey } from './master-key.ts';

/** The key of each subject; null for one who was erased (or, when reading, never had one). */
export type KeysOfSubjects = ReadonlyMap<string, KeyObject | null>;

/** The keys under which personal fields are encrypted, one per subject. */
export interface SubjectKeys {
  /** Keys to encrypt with, made where there are none yet. */
  forWriting(subjects: Iterable<string>): Promise<KeysOfSubjects>;
  /** Keys to decrypt with. */
  forReading(subjects: Iterable<string>): Promise<KeysOfSubjects>;
  /**
   * Destroys the key of a subject for good: everything about them in the log reads as null from now on. Other processes
   * forget a key they have in use when they do the same, and within `keyLifetimeMs` at the latest.
   */
  erase(subject: string): Promise<void>;
}

const keyLifetimeMs = 30_000;
const cacheSize = 10_000;

interface Row {
  readonly subject: string;
  readonly wrapped_key: Buffer | null;
}

/** Keys kept in the table `subject_keys`, wrapped by the master key (or by a service that keeps it), and for a while in this process. */
export function openSubjectKeys(
  pool: Pool,
  masterKey: MasterKey,
  encryption: KeyEncryption = underMasterKey(masterKey),
): SubjectKeys {
  const cache = new Map<string, { key: KeyObject | null; until: number }>();
  /** Those that this process has seen destroyed: that never changes again. */
  const destroyed = new Set<string>();

  function remember(subject: string, key: KeyObject | null): void {
    const oldest = cache.size >= cacheSize ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.delete(subject);
    cache.set(subject, { key, until: Date.now() + keyLifetimeMs });
  }

  /** Moves what is known into `found` and returns the rest. */
  function takeCached(subjects: Iterable<string>, found: Map<string, KeyObject | null>): string[] {
    const now = Date.now();
    const missing = new Set<string>();
    for (const subject of subjects) {
      const cached = cache.get(subject);
      if (cached !== undefined && cached.until > now) found.set(subject, cached.key);
      else missing.add(subject);
    }
    return [...missing];
  }

  async function select(subjects: string[], found: Map<string, KeyObject | null>): Promise<string[]> {
    if (subjects.length === 0) return [];
    const { rows } = await pool.query<Row>({
      name: 'subject-keys-select',
      text: 'SELECT subject, wrapped_key FROM subject_keys WHERE subject = ANY ($1)',
      values: [subjects],
    });
    const unwrapped = rows.map(async ({ subject, wrapped_key: wrapped }) =>
      wrapped === null ? null : encryption.unwrap(subject, wrapped),
    );
    const keys = await Promise.all(unwrapped);
    for (const [n, { subject }] of rows.entries()) {
      const bytes = keys[n] ?? null;
      const key = bytes === null ? null : createSecretKey(bytes);
      found.set(subject, key);
      remember(subject, key);
    }
    return subjects.filter((subject) => !found.has(subject));
  }

  async function insert(subjects: string[], found: Map<string, KeyObject | null>): Promise<string[]> {
    if (subjects.length === 0) return [];
    // In one order everywhere, so that two processes that add the same subjects never wait for each other in a circle.
    const made = new Map(subjects.toSorted().map((subject) => [subject, randomBytes(32)]));
    const { rows } = await pool.query<Row>({
      name: 'subject-keys-insert',
      text: `INSERT INTO subject_keys (subject, wrapped_key) SELECT * FROM unnest($1::text[], $2::bytea[])
             ON CONFLICT (subject) DO NOTHING RETURNING subject`,
      values: [[...made.keys()], await Promise.all([...made].map(([subject, key]) => encryption.wrap(subject, key)))],
    });
    for (const { subject } of rows) {
      const key = createSecretKey(made.get(subject) ?? Buffer.alloc(0));
      found.set(subject, key);
      remember(subject, key);
    }
    return subjects.filter((subject) => !found.has(subject));
  }

  return {
    async forWriting(subjects) {
      const found = new Map<string, KeyObject | null>();
      const absent = await select(takeCached(subjects, found), found);
      // Those that somebody else made in between are there by now.
      await select(await insert(absent, found), found);
      return found;
    },
    async forReading(subjects) {
      const found = new Map<string, KeyObject | null>();
      for (const subject of await select(takeCached(subjects, found), found)) found.set(subject, null);
      return found;
    },
    async erase(subject) {
      if (destroyed.has(subject)) return;
      await pool.query(
        `INSERT INTO subject_keys (subject, erased_at) VALUES ($1, now())
         ON CONFLICT (subject) DO UPDATE SET wrapped_key = NULL, erased_at = now() WHERE subject_keys.erased_at IS NULL`,
        [subject],
      );
      destroyed.add(subject);
      cache.delete(subject);
    },
  };
}
