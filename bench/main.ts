/** `npm run bench -- <name> [--json]`: runs one bench and prints its figures, beside those of the peer it names. */
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { printer, type Bench } from './tools/figure.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const names = (await readdir(import.meta.dirname, { withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'main.ts')
  .map((entry) => entry.name.slice(0, -'.ts'.length));

const [name] = positionals;
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- <name> [--json]\nbenches: ${names.join(', ')}`);
  process.exit(2);
}
const { bench } = (await import(`./${name}.ts`)) as { bench: Bench };
await bench(printer(values.json));
