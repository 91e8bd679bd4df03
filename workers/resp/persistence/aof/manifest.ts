import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { splitWords } from '../../protocol/inline.ts';
import { writeWholeFile } from '../write-file.ts';

/** One file of an append-only log. */
export interface AofFile {
  readonly name: string;
  readonly sequence: number;
}

/**
 * Which files make up an append-only log (Redis 7's multi-part AOF): a base, then increments in order. What a rewrite has
 * made superfluous is history, until its file has been removed.
 */
export interface Manifest {
  readonly base: AofFile | undefined;
  readonly increments: readonly AofFile[];
  readonly history: readonly AofFile[];
}

/** Redis's longest line. */
const LINE_MAX = 1024;

export const NO_MANIFEST: Manifest = { base: undefined, increments: [], history: [] };

/** The file that names the others. */
function manifestFile(folder: string, name: string): string {
  return join(folder, `${name}.manifest`);
}

/** Reads a manifest; undefined when there is none. Rejects, naming the file and the line, when it makes no sense. */
export async function readManifest(folder: string, name: string): Promise<Manifest | undefined> {
  const file = manifestFile(folder, name);
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return parseManifest(text, file);
}

/** The manifest that a text means; `file` is for the error that refuses it. */
function parseManifest(text: string, file: string): Manifest {
  let base: AofFile | undefined;
  const increments: AofFile[] = [];
  const history: AofFile[] = [];
  const lines = text.split('\n');
  const fail = (reason: string, line: number): never => {
    throw new Error(
      `FATAL AOF MANIFEST FILE ERROR: ${reason}, in line ${line} of ${file}. Restore it, or the folder from a backup.`,
    );
  };
  if (text === '') fail('Found an empty AOF manifest', 1);
  if (lines.at(-1) !== '') fail('The AOF manifest file contains too long line', lines.length);
  for (const [index, line] of lines.slice(0, -1).entries()) {
    if (line.startsWith('#')) continue;
    if (line.length >= LINE_MAX) return fail('The AOF manifest file contains too long line', index + 1);
    const words = splitWords(line.trim());
    if (words === undefined || words.length < 6 || words.length % 2 === 1)
      return fail('Invalid AOF manifest file format', index + 1);
    const fields = new Map<string, string>();
    for (let i = 0; i < words.length; i += 2) fields.set(words[i]!.toLowerCase(), words[i + 1]!);
    const found = { name: fields.get('file') ?? '', sequence: Number(fields.get('seq')) };
    if (found.name.includes('/')) return fail("File can't be a path, just a filename", index + 1);
    if (found.name === '' || !(found.sequence > 0) || !fields.has('type')) {
      return fail('Invalid AOF manifest file format', index + 1);
    }
    switch (fields.get('type')?.[0]) {
      case 'b':
        if (base !== undefined) return fail('Found duplicate base file information', index + 1);
        base = found;
        break;
      case 'i':
        if (found.sequence <= (increments.at(-1)?.sequence ?? 0))
          return fail('Found a non-monotonic sequence number', index + 1);
        increments.push(found);
        break;
      case 'h':
        history.push(found);
        break;
      default:
        return fail('Unknown AOF file type', index + 1);
    }
  }
  return { base, increments, history };
}

/** The text of a manifest, as Redis writes it. */
function formatManifest({ base, increments, history }: Manifest): string {
  const line = (type: string) => (file: AofFile) => `file ${quoted(file.name)} seq ${file.sequence} type ${type}\n`;
  return [...(base === undefined ? [] : [base]).map(line('b')), ...history.map(line('h')), ...increments.map(line('i'))]
    .join(''); // prettier-ignore
}

/** Puts a manifest in force: it is on the disk when this resolves. */
export async function writeManifest(folder: string, name: string, manifest: Manifest): Promise<void> {
  async function* text(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(formatManifest(manifest), 'latin1');
  }
  await writeWholeFile(manifestFile(folder, name), text());
}

function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
}
