import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = join(import.meta.dirname, '../../node_modules/.cache/miniredis/python');

/** What a Python program needs that is not part of Python. */
export interface PythonPackages {
  /** Names the folder they are kept in, with their version. */
  readonly name: string;
  /** As pip names them, with exact versions. */
  readonly requirements: readonly string[];
  /** What a program imports to see whether they are there. */
  readonly module: string;
}

/** Runs a Python program and returns what it printed. Rejects with its own error output when it fails. */
export type RunPython = (program: string, ...args: string[]) => Promise<string>;

/** Python with these packages, fetched once with pip into node_modules/.cache. Rejects with what to do when there is no Python. */
export function pythonWith(packages: PythonPackages): RunPython {
  let found: Promise<NodeJS.ProcessEnv> | undefined;
  return async (program, ...args) => {
    found ??= find(packages);
    const env = await found;
    const { stdout } = await run('python3', ['-c', program, ...args], { env, timeout: 60_000 });
    return stdout;
  };
}

async function find(packages: PythonPackages): Promise<NodeJS.ProcessEnv> {
  const { name, module } = packages;
  const folder = join(cache, name);
  const env = { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' };
  const works = () => imports(module, folder, env);
  if (await works()) return env;
  try {
    await install(packages, folder, works);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${name} could not be fetched with python3 and pip (${reason}). Install both (for example "apt-get install python3-pip") and run again.`,
      { cause: error },
    );
  }
  if (!(await works())) throw new Error(`${name} was fetched but python3 can't import ${module} from ${folder}.`);
  return env;
}

async function imports(module: string, folder: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await access(folder);
    await run('python3', ['-c', `import ${module}`], { env });
    return true;
  } catch {
    return false;
  }
}

/** Installs beside the cache and moves the result in, so that runs at the same time do not disturb each other. */
async function install({ requirements }: PythonPackages, folder: string, works: () => Promise<boolean>): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'work-'));
  try {
    const target = join(work, 'packages');
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', target, ...requirements]);
    await rename(target, folder).catch(async (error: unknown) => {
      if (!(await works())) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
