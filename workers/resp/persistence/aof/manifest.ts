import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { splitWords } from '../../protocol/parser.ts';
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
      `The AOF manifest ${file} can't be read: ${reason} in line ${line}. Restore it, or the folder from a backup.`,
    );
  };
  if (lines.at(-1) !== '') fail('the end of the line is missing', lines.length);
  if (lines.length === 1) fail('nothing stands', 1);
  for (const [index, line] of lines.slice(0, -1).entries()) {
    if (line.startsWith('#')) continue;
    const words = splitWords(line.trim());
    if (words === undefined || words.length < 6 || words.length % 2 === 1)
      return fail('no file is described', index + 1);
    const fields = new Map<string, string>();
    for (let i = 0; i < words.length; i += 2) fields.set(words[i]!.toLowerCase(), words[i + 1]!);
    const found = { name: fields.get('file') ?? '', sequence: Number(fields.get('seq')) };
    if (found.name === '' || found.name.includes('/'))
      return fail('the name of a file is missing or a path', index + 1);
    if (!Number.isSafeInteger(found.sequence) || found.sequence < 1) return fail('the number is wrong', index + 1);
    switch (fields.get('type')?.[0]) {
      case 'b':
        if (base !== undefined) return fail('there is a second base', index + 1);
        base = found;
        break;
      case 'i':
        if (found.sequence <= (increments.at(-1)?.sequence ?? 0)) return fail('the numbers do not go up', index + 1);
        increments.push(found);
        break;
      case 'h':
        history.push(found);
        break;
      default:
        return fail('the type of a file is unknown', index + 1);
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
