import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = join(import.meta.dirname, '../../node_modules/.cache/miniredis/redis');
/** What Debian's redis packages link to that a base image may lack. */
const libraryPackages = ['libjemalloc2', 'liblzf1', 'libatomic1'];

/** Real Redis programs, and the environment to start them with. */
export interface RedisBinaries {
  readonly server: string;
  readonly cli: string;
  readonly benchmark: string;
  readonly checkRdb: string;
  readonly checkAof: string;
  readonly env: NodeJS.ProcessEnv;
}

let found: Promise<RedisBinaries> | undefined;

/** A stock redis-cli: the one on the PATH, else Debian's, unpacked into `folder`. Rejects with what to do without either. */
export async function redisCli(folder: string): Promise<{ path: string; env: NodeJS.ProcessEnv }> {
  const onPath = { path: 'redis-cli', env: process.env };
  if (await runs(onPath.path, onPath.env)) return onPath;
  const { cli, env } = unpackedIn(folder);
  if (!(await runs(cli, env)))
    await unpack(['redis-tools', ...libraryPackages], folder, cli).catch(explain('redis-cli'));
  return { path: cli, env };
}

/**
 * Finds Redis's programs: on the PATH, else Debian's packages, unpacked once into node_modules/.cache. Rejects with what
 * to do when neither can be had.
 */
export function redisBinaries(): Promise<RedisBinaries> {
  found ??= find();
  return found;
}

async function find(): Promise<RedisBinaries> {
  const onPath = programs(undefined, process.env);
  if (await works(onPath)) return onPath;
  const cached = unpackedIn(cache);
  if (await works(cached)) return cached;
  await unpack(['redis-server', 'redis-tools', ...libraryPackages], cache, cached.server).catch(
    explain('redis-server'),
  );
  if (!(await works(cached))) {
    throw new Error('The redis-server fetched from Debian does not start here. Install redis-server and run again.');
  }
  return cached;
}

function programs(folder: string | undefined, env: NodeJS.ProcessEnv): RedisBinaries {
  const path = (name: string): string => (folder === undefined ? name : join(folder, name));
  return {
    server: path('redis-server'),
    cli: path('redis-cli'),
    benchmark: path('redis-benchmark'),
    checkRdb: path('redis-check-rdb'),
    checkAof: path('redis-check-aof'),
    env,
  };
}

function unpackedIn(root: string): RedisBinaries {
  const libraries = ['x86_64', 'aarch64'].flatMap((cpu) => [
    join(root, 'usr/lib', `${cpu}-linux-gnu`),
    join(root, 'lib', `${cpu}-linux-gnu`),
  ]);
  const paths = [...libraries, process.env['LD_LIBRARY_PATH']].filter((path) => path !== undefined);
  return programs(join(root, 'usr/bin'), { ...process.env, LD_LIBRARY_PATH: paths.join(':') });
}

async function works({ server, cli, env }: RedisBinaries): Promise<boolean> {
  return (await runs(server, env)) && (await runs(cli, env));
}

async function runs(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return run(program, ['--version'], { env }).then(
    () => true,
    () => false,
  );
}

function explain(program: string) {
  return (error: unknown): never => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `No ${program} on the PATH, and Debian's could not be fetched (${reason}). Install it (for example "apt-get install redis-server redis-tools") and run again.`,
      { cause: error },
    );
  };
}

/** Downloads and unpacks beside the cache and moves the result in, so that runs at the same time do not disturb each other. */
async function unpack(packages: readonly string[], folder: string, program: string): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true });
  const work = await mkdtemp(join(folder, '../redis-'));
  try {
    await download(packages, work);
    for (const file of await readdir(work)) {
      if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
    }
    await access(join(work, 'root', program.slice(folder.length)));
    await rename(join(work, 'root'), folder).catch(async (error: unknown) => {
      if (!(await runs(program, unpackedIn(folder).env))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(packages: readonly string[], cwd: string): Promise<void> {
  const fetchPackages = () => run('apt-get', ['download', ...packages], { cwd });
  try {
    await fetchPackages();
  } catch (error) {
    // Base images come without package lists, which only root may fetch.
    if (process.getuid?.() !== 0) throw error;
    await run('apt-get', ['update'], { cwd });
    await fetchPackages();
  }
}
