import { open } from 'node:fs/promises';

import { BadKeyBackup, exportKeys, importKeys } from '#infra/crypto/key-backup.ts';
import { underMasterKey } from '#infra/crypto/key-encryption.ts';
import { UsageProblem, withPlatformLog, type PlatformLog } from '#infra/local/platform-log.ts';
import type { Command } from 'commander';

import { recordAct } from './record-act.ts';

/** `keys export`, `keys import`: the keys of personal data, backed up apart from the log that they open. */
export function addKeyCommands(program: Command): void {
  const command = program.command('keys').description('the keys of personal data, each wrapped by the master key');
  command
    .command('export')
    .argument('<file>', 'a new file; keep it apart from backups of the log, and no longer than these')
    .description('writes all keys to a file')
    .action((file: string) => run((parts) => write(parts, file)));
  command
    .command('import')
    .argument('<file>', 'made by export')
    .description('puts back the keys that are missing; who was erased stays erased')
    .action((file: string) => run((parts) => read(parts, file)));
}

async function run(work: (parts: PlatformLog) => Promise<number>): Promise<void> {
  process.exitCode = await withPlatformLog('keys', work);
}

/** All keys at once. */
const allKeys = { kind: 'log', id: 'keys' };

async function write({ log, pool }: PlatformLog, file: string): Promise<number> {
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UsageProblem(error.code === 'EEXIST' ? `${file} is there already.` : error.message);
  });
  let keys = -1;
  try {
    await recordAct(log, { action: 'ExportKeys', target: allKeys });
    for await (const line of exportKeys(pool)) {
      await handle.write(`${line}\n`);
      keys += 1;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  console.log(`${keys} keys were written to ${file}.`);
  return 0;
}

async function read({ pool, log, masterKey }: PlatformLog, file: string): Promise<number> {
  const handle = await open(file, 'r').catch((error: Error) => {
    throw new UsageProblem(error.message);
  });
  try {
    await recordAct(log, { action: 'ImportKeys', target: allKeys });
    const { added, kept } = await importKeys(pool, underMasterKey(masterKey), handle.readLines());
    // Reading who was erased destroys those of their keys that came back with an older backup.
    let erased = 0;
    for await (const batch of log.readAll({ after: 0n, filter: { categories: ['subject'] } })) erased += batch.length;
    const gone = erased === 1 ? '1 subject is erased and stays so' : `${erased} subjects are erased and stay so`;
    console.log(`${added} keys were put back, ${kept} were there; ${gone}.`);
    return 0;
  } catch (error) {
    if (error instanceof BadKeyBackup) throw new UsageProblem(error.message);
    throw error;
  } finally {
    await handle.close();
  }
}
