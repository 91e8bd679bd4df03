import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { cacheFolder } from '../local/cache-folder.ts';

/** The workflows of a file as one script that Temporal's sandbox runs. */
export type WorkflowBundle = { readonly codePath: string } | { readonly code: string };

/**
 * Bundles the workflows that a file exports. That takes a bundler and seconds, so the result is kept under a name made of
 * what went into it: every source of the file's folder and the SDK's version. It happens in a process of its own: the event loop is
 * needed to answer a role's probes, and the bundler's native code ends a process that runs it in a thread.
 */
export async function workflowBundle(
  workflowsFile: string,
  signal?: AbortSignal,
  cache = cacheFolder(),
): Promise<WorkflowBundle> {
  const folder = path.join(cache, 'workflow-bundles');
  const codePath = path.join(folder, `${await fingerprint(workflowsFile)}.js`);
  if (await exists(codePath)) return { codePath };
  const code = await bundle(workflowsFile, signal);
  try {
    await mkdir(folder, { recursive: true });
    const unfinished = `${codePath}.${process.pid}.tmp`;
    await writeFile(unfinished, code);
    await rename(unfinished, codePath);
    return { codePath };
  } catch {
    // A home that can't be written to costs the next start its seconds, nothing more.
    return { code };
  }
}

async function fingerprint(workflowsFile: string): Promise<string> {
  const hash = createHash('sha256');
  const manifest = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  hash.update(`${version}\0${path.basename(workflowsFile)}\0`);
  const folder = path.dirname(workflowsFile);
  const sources: string[] = [];
  for await (const source of glob('**/*.ts', { cwd: folder })) if (!source.endsWith('.test.ts')) sources.push(source);
  for (const source of sources.sort()) {
    const content = await readFile(path.join(folder, source));
    hash.update(`${source}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

const program = fileURLToPath(new URL('bundle-process.ts', import.meta.url));
const codeMax_bytes = 64 * 1024 * 1024;

async function bundle(workflowsFile: string, signal: AbortSignal | undefined): Promise<string> {
  const options = { maxBuffer: codeMax_bytes, ...(signal === undefined ? {} : { signal }) };
  const { stdout } = await promisify(execFile)(process.execPath, [program, workflowsFile], options);
  if (stdout === '') throw new Error(`The bundler made nothing of ${workflowsFile}.`);
  return stdout;
}
