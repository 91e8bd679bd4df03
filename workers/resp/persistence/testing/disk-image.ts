import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCE = join(import.meta.dirname, 'disk-trace.c');
const HEADER = 40;
const BLOCK = 512;

/** One thing a process did to its files; see disk-trace.c. */
interface TraceRecord {
  readonly type: string;
  readonly inode: bigint;
  /** Where in the file, how large, or for a sync: which records it covers, by their place in the trace. */
  readonly number: number;
  readonly timeMs: number;
  readonly bytes: Buffer;
  readonly place: number;
}

/** What becomes of writes that were never synced: all lost; cut at some point; or some blocks written and others not. */
export type Unsynced = 'lost' | 'cut' | 'scattered';

/** Compiles the library that is preloaded, with the compiler there is, else with Debian's tcc, and returns its path. */
export async function compileTrace(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'resp-trace-'));
  const library = join(folder, 'disk-trace.so');
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const made = run(compiler, ['-shared', '-fPIC', '-O1', '-w', '-o', library, SOURCE]);
    if (await made.then(() => true, () => false)) return library; // prettier-ignore
  }
  await run('apt-get', ['download', 'tcc', 'libtcc-dev'], { cwd: folder }).catch(async () => {
    await run('apt-get', ['update'], { cwd: folder });
    await run('apt-get', ['download', 'tcc', 'libtcc-dev'], { cwd: folder });
  });
  await run('sh', ['-c', 'for package in *.deb; do dpkg-deb -x "$package" .; done'], { cwd: folder });
  const { stdout } = await run('sh', ['-c', 'echo usr/lib/*/tcc'], { cwd: folder });
  await run('usr/bin/tcc', [`-B${stdout.trim()}`, '-nostdlib', '-shared', '-o', library, SOURCE], { cwd: folder });
  return library;
}

/** Reads a trace; a record that the end of the process has cut short is left out. */
export async function readTrace(file: string): Promise<TraceRecord[]> {
  const trace = await readFile(file);
  const records: TraceRecord[] = [];
  for (let place = 0; place + HEADER <= trace.length;) {
    const size = Number(trace.readBigInt64LE(place + 32));
    const end = place + HEADER + size;
    if (end > trace.length) break;
    records.push({
      type: String.fromCharCode(trace[place]!),
      inode: trace.readBigUInt64LE(place + 8),
      number: Number(trace.readBigInt64LE(place + 16)),
      timeMs: Number(trace.readBigInt64LE(place + 24)) / 1000,
      bytes: trace.subarray(place + HEADER, end),
      place,
    });
    place = end;
  }
  return records;
}

/** A file: what is on the disk of it, and what was done to it since, in order. */
interface DiskFile {
  readonly content: Content;
  pending: TraceRecord[];
}

/** A name that was given or taken away and is not on the disk yet. */
interface NameChange {
  readonly path: string;
  readonly to: DiskFile | 'folder' | undefined;
  readonly place: number;
}

/** Writes into `target` what a disk holds of `folder` when the power is lost at a time. */
export async function writeImage(
  records: readonly TraceRecord[],
  atMs: number,
  unsynced: Unsynced,
  random: () => number,
  folder: string,
  target: string,
): Promise<void> {
  const disk = new Disk(folder);
  for (const record of records) {
    if (record.timeMs > atMs) break;
    disk.apply(record);
  }
  for (const [path, content] of disk.left(unsynced, random)) {
    const file = join(target, path.slice(folder.length));
    await mkdir(dirname(file), { recursive: true });
    if (content === 'folder') await mkdir(file, { recursive: true });
    else await writeFile(file, content);
  }
}

class Disk {
  private readonly folder: string;
  /** Names as the process sees them, and as they are on the disk. */
  private readonly names = new Map<string, DiskFile | 'folder'>();
  private readonly durable = new Map<string, DiskFile | 'folder'>();
  private readonly files = new Map<bigint, DiskFile>();
  private readonly folders = new Map<bigint, string>();
  private changes: NameChange[] = [];

  constructor(folder: string) {
    this.folder = folder;
    this.names.set(folder, 'folder');
    this.durable.set(folder, 'folder');
  }

  apply(record: TraceRecord): void {
    const path = record.bytes.toString('utf8');
    switch (record.type) {
      case 'O':
        this.opened(path, record);
        break;
      case 'W':
      case 'T':
        this.files.get(record.inode)?.pending.push(record);
        break;
      case 'S':
        this.synced(record);
        break;
      case 'M':
        this.change(path, 'folder', record.place);
        break;
      case 'U':
        this.change(path, undefined, record.place);
        break;
      case 'R': {
        const [from, to] = path.split('\0') as [string, string];
        const moved = this.names.get(from);
        this.change(from, undefined, record.place);
        this.change(to, moved, record.place);
        break;
      }
      default:
        throw new Error(`The trace holds a record of type ${record.type}.`);
    }
  }

  /** What is left after a loss of power. */
  left(unsynced: Unsynced, random: () => number): Map<string, Buffer | 'folder'> {
    if (unsynced !== 'lost') {
      const kept = Math.floor(random() * (this.changes.length + 1));
      for (const change of this.changes.slice(0, kept)) rename(this.durable, change);
    }
    const left = new Map<string, Buffer | 'folder'>();
    for (const [path, file] of this.durable) {
      if (this.durable.get(dirname(path)) !== 'folder' && path !== this.folder) continue;
      left.set(path, file === 'folder' ? file : partly(file, unsynced, random).view());
    }
    return left;
  }

  private opened(path: string, { inode, number, place }: TraceRecord): void {
    const known = this.names.get(path);
    if (known === 'folder') {
      this.folders.set(inode, path);
      return;
    }
    // The number of a file that is gone may be given to another one.
    const file = known ?? { content: new Content(), pending: [] };
    this.files.set(inode, file);
    if (known === undefined) this.change(path, file, place);
    else if (number !== 0) file.pending.push({ type: 'T', inode, number: 0, timeMs: 0, bytes: Buffer.alloc(0), place });
  }

  private change(path: string, to: DiskFile | 'folder' | undefined, place: number): void {
    const change = { path, to, place };
    rename(this.names, change);
    this.changes.push(change);
  }

  private synced({ inode, number }: TraceRecord): void {
    const file = this.files.get(inode);
    const folder = this.folders.get(inode);
    if (folder !== undefined) {
      for (const change of this.changes) {
        if (change.place < number && dirname(change.path) === folder) rename(this.durable, change);
      }
      this.changes = this.changes.filter(({ path, place }) => place >= number || dirname(path) !== folder);
    } else if (file !== undefined) {
      for (const record of file.pending) if (record.place < number) file.content.apply(record);
      file.pending = file.pending.filter(({ place }) => place >= number);
    }
  }
}

function rename(names: Map<string, DiskFile | 'folder'>, { path, to }: NameChange): void {
  if (to === undefined) names.delete(path);
  else names.set(path, to);
}

/** Bytes that grow. */
class Content {
  private bytes = Buffer.alloc(4096);
  private size = 0;

  view(): Buffer {
    return this.bytes.subarray(0, this.size);
  }

  copy(): Content {
    const copy = new Content();
    copy.put(this.view(), 0);
    return copy;
  }

  apply({ type, number, bytes }: Pick<TraceRecord, 'type' | 'number' | 'bytes'>): void {
    if (type === 'T') this.resize(number);
    else this.put(bytes, number);
  }

  put(bytes: Buffer, at: number): void {
    if (at + bytes.length > this.size) this.resize(at + bytes.length);
    bytes.copy(this.bytes, at);
  }

  private resize(size: number): void {
    if (size > this.bytes.length) this.bytes = Buffer.concat([this.bytes], Math.max(size, this.bytes.length * 2));
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }
}

function partly({ content, pending }: DiskFile, unsynced: Unsynced, random: () => number): Content {
  const left = content.copy();
  if (unsynced === 'cut') {
    const whole = Math.floor(random() * (pending.length + 1));
    for (const record of pending.slice(0, whole)) left.apply(record);
    const last = pending[whole];
    if (last?.type === 'W') left.put(last.bytes.subarray(0, Math.floor(random() * last.bytes.length)), last.number);
  } else if (unsynced === 'scattered') scatter(left, pending, random);
  return left;
}

/** Each block of the disk is as it was after some of the writes to it. */
function scatter(left: Content, pending: readonly TraceRecord[], random: () => number): void {
  const blocks = new Map<number, { at: number; bytes: Buffer }[]>();
  for (const { number, bytes } of pending) {
    for (let at = 0; at < bytes.length;) {
      const block = Math.floor((number + at) / BLOCK);
      const end = Math.min(bytes.length, (block + 1) * BLOCK - number);
      const pieces = blocks.get(block) ?? [];
      pieces.push({ at: number + at, bytes: bytes.subarray(at, end) });
      blocks.set(block, pieces);
      at = end;
    }
  }
  for (const pieces of blocks.values()) {
    const written = random() < 0.7 ? pieces.length : Math.floor(random() * (pieces.length + 1));
    for (const { at, bytes } of pieces.slice(0, written)) left.put(bytes, at);
  }
}
