/** `npm run schemas`: checks the schemas of events, makes TypeScript of them, and begins a new version of one. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Command } from 'commander';

import { brokenContracts, extendLock, generateIds, idsFile, lockFile, problemsOf, typesFile } from './check.ts';
import { generateTypes } from './generate-types.ts';
import { readSchemas } from './read-schemas.ts';

const program = new Command('schemas')
  .description('Works on the Avro schemas of events, in schemas/.')
  .option('--folder <folder>', 'another folder with events/*.avsc and lock.json', import.meta.dirname)
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program
  .command('check')
  .description(
    'refuses what was recorded and changed, and what is not FULL_TRANSITIVE compatible; says which field, and what to do',
  )
  .action(check);
program
  .command('types')
  .description(`writes ${typesFile} (TypeScript) and ${idsFile}, and records new schemas in ${lockFile}`)
  .action(types);
program
  .command('new')
  .argument('<Event>', 'such as NodeResized')
  .description('begins the next version of an event’s schema as a copy of the newest one, or its first')
  .action(begin);

function folderOf(): string {
  return path.resolve(program.opts<{ folder: string }>().folder);
}

function check(): void {
  const problems = problemsOf(folderOf());
  for (const problem of problems) console.error(problem);
  if (problems.length === 0)
    console.log(`${readSchemas(folderOf()).length} schemas hold: recorded, compatible, and the types are theirs.`);
  else process.exitCode = 1;
}

function types(): void {
  const folder = folderOf();
  const broken = brokenContracts(folder);
  for (const problem of broken) console.error(problem);
  if (broken.length > 0) {
    process.exitCode = 1;
    return;
  }
  const write = (file: string, text: string) => writeFileSync(path.join(folder, file), text);
  const lock = extendLock(folder);
  write(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  write(idsFile, generateIds(lock));
  write(typesFile, generateTypes(readSchemas(folder)));
}

function begin(eventType: string): void {
  const folder = folderOf();
  if (!/^[A-Z][A-Za-z]*$/.test(eventType))
    throw new Error(`"${eventType}" is no name of an event; take one such as NodeResized.`);
  const newest = readSchemas(folder).findLast((one) => one.eventType === eventType && one.file.startsWith('events/'));
  const file = path.join(folder, 'events', `${eventType}.v${(newest?.version ?? 0) + 1}.avsc`);
  if (existsSync(file)) throw new Error(`${file} is there already.`);
  const first = { type: 'record', name: eventType, namespace: 'miniredis.<noun>', doc: 'What happened.', fields: [] };
  writeFileSync(file, newest?.text ?? `${JSON.stringify(first, null, 2)}\n`);
  console.log(`${file} is there. Change it (every new field with a default), then: npm run schemas -- types`);
}

try {
  program.parse();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
