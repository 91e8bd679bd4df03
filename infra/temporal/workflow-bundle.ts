import { createHash } from 'node:crypto';
import { access, glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { cacheFolder } from '../local/cache-folder.ts';

/** The workflows of a file as one script that Temporal's sandbox runs. */
export type WorkflowBundle = { readonly codePath: string } | { readonly code: string };

/**
 * Bundles the workflows that a file exports. That takes a bundler and seconds, so the result is kept under a name made of
 * what went into it: every source of the file's folder and the SDK's version. It happens beside the event loop, which a role
 * needs to answer its probes.
 */
export async function workflowBundle(workflowsFile: string, cache = cacheFolder()): Promise<WorkflowBundle> {
  const folder = path.join(cache, 'workflow-bundles');
  const codePath = path.join(folder, `${await fingerprint(workflowsFile)}.js`);
  if (await exists(codePath)) return { codePath };
  const code = await bundleInThread(workflowsFile);
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

function bundleInThread(workflowsFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('bundle-thread.ts', import.meta.url), { workerData: workflowsFile });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) =>
      reject(new Error(`The bundler ended with ${code} and made no bundle of the workflows.`)),
    );
  });
}
