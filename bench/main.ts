/** `npm run bench -- <name> [<part> …] [--json] …`: runs one bench and prints its figures, beside those of the peer it names. */
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { printer, type Bench, type Figure } from './tools/figure.ts';
import { writePage } from './tools/page.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    tests: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    page: { type: 'string' },
  },
});
const names = (await readdir(import.meta.dirname, { withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'main.ts')
  .map((entry) => entry.name.slice(0, -'.ts'.length));

const [name, ...parts] = positionals;
const rounds = Number(values.rounds);
if (name === undefined || !names.includes(name) || !(Number.isInteger(rounds) && rounds > 0)) {
  console.error(
    'usage: npm run bench -- <name> [<part> …] [--json] [--only <parts>] [--tests <commands>] [--rounds N] [--quick]',
  );
  console.error('       [--page <file.md>]');
  console.error(`benches: ${names.join(', ')}`);
  process.exit(2);
}
const list = (text: string) => text.split(',').filter((word) => word !== '');
const { bench } = (await import(`./${name}.ts`)) as { bench: Bench };
const print = printer(values.json);
const figures: Figure[] = [];
const options = {
  only: [...parts, ...list(values.only)],
  tests: list(values.tests.toUpperCase()),
  rounds,
  quick: values.quick,
};
const note = (figure: Figure): void => {
  print(figure);
  figures.push(figure);
};
try {
  await bench(note, options);
} finally {
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
  if (values.page !== undefined) await writePage(values.page, command, figures);
}
