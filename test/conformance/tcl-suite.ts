import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { parseTclOutput } from './tcl-output.ts';
import type { UnitReport } from './tcl-output.ts';

const run = promisify(execFile);
const HELPER = 'tests/test_helper.tcl';

/** How one unit is run. */
export interface UnitOptions {
  /** The source tree of Redis. */
  readonly source: string;
  readonly unit: string;
  /** The server that is tested. */
  readonly port: number;
  /** Where the suite's own sockets begin; runs beside each other need ranges of their own. */
  readonly basePort: number;
  /** As the suite's own `--tags`, for example `-needs:debug -slow`. */
  readonly tags: string;
  /** The suite's own `--singledb`: everything in database 0, without SELECT. */
  readonly singleDatabase: boolean;
  /** A unit that takes longer is ended and counted as not run to its end. */
  readonly limitMs: number;
}

/** The units of the suite in its own order. */
export async function listUnits(source: string): Promise<string[]> {
  const { stdout } = await run('tclsh', [HELPER, '--list-tests'], { cwd: source });
  return stdout.trim().split('\n');
}

/** Runs one unit of the suite against an external server. `output` is all that it printed. */
export async function runUnit(options: UnitOptions): Promise<UnitReport & { readonly output: string }> {
  const { source, unit, port, basePort, tags, singleDatabase, limitMs } = options;
  // A test that throws counts as failed and the next one runs (--durable); nobody else's temporary files are removed.
  const args = [HELPER, '--host', '127.0.0.1', '--port', String(port), '--single', unit, '--durable'];
  args.push('--baseport', String(basePort), '--dont-clean', '--dont-pre-clean');
  if (tags !== '') args.push('--tags', tags);
  if (singleDatabase) args.push('--singledb');
  const child = spawn('tclsh', args, { cwd: source, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  // The suite starts a process of its own for the unit, so the whole group is ended.
  const limit = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, limitMs);
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(limit);
  return { ...parseTclOutput(output), output };
}
