import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const version = '8.1.0';
const folder = join(import.meta.dirname, '../../node_modules/.cache/miniredis/python');
const packages = join(folder, `redis-${version}`);

let found: Promise<NodeJS.ProcessEnv> | undefined;

/**
 * Runs a Python program that may `import redis` and returns what it printed. redis-py is fetched once with pip into
 * node_modules/.cache. Rejects with the program's own error output when it fails, and with what to do when there is no Python.
 */
export async function runPython(program: string, ...args: string[]): Promise<string> {
  found ??= find();
  const env = await found;
  const { stdout } = await run('python3', ['-c', program, ...args], { env, timeout: 60_000 });
  return stdout;
}

async function find(): Promise<NodeJS.ProcessEnv> {
  const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' };
  if (await works(env)) return env;
  try {
    await install();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `redis-py ${version} could not be fetched with python3 and pip (${reason}). Install both (for example "apt-get install python3-pip") and run again.`,
      { cause: error },
    );
  }
  if (!(await works(env)))
    throw new Error(`redis-py ${version} was fetched but python3 can't import it from ${packages}.`);
  return env;
}

async function works(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await access(packages);
    await run('python3', ['-c', 'import redis'], { env });
    return true;
  } catch {
    return false;
  }
}

/** Installs beside the cache and moves the result in, so that runs at the same time do not disturb each other. */
async function install(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'work-'));
  try {
    const target = join(work, 'packages');
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', target, `redis==${version}`]);
    await rename(target, packages).catch(async (error: unknown) => {
      if (!(await works({ ...process.env, PYTHONPATH: packages }))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
