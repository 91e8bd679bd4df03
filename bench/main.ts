/** `npm run bench -- <name> [<part> …] [--json] …`: runs one bench and prints its figures, beside those of the peer it names. */
import { readdir } from 'node:fs/promises';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { printer, type Bench, type Figure } from './tools/figure.ts';
import { writePage } from './tools/page.ts';

const names = (await readdir(import.meta.dirname, { withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'main.ts')
  .map((entry) => entry.name.slice(0, -'.ts'.length));

interface Options {
  readonly json: boolean;
  readonly only: readonly string[];
  readonly tests: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly page?: string;
}

const program = new Command('bench')
  .description('Runs one bench and prints its figures, beside those of the peer it names.')
  .addArgument(new Argument('<name>', 'the bench').choices(names))
  .argument('[part...]', 'the parts of it to run, by default all')
  .option('--json', 'a line of JSON per figure', false)
  .option('--only <parts>', 'the same as naming parts, with commas between', list, [])
  .option('--tests <commands>', 'of the commands that it measures these only, with commas between', list, [])
  .option('--rounds <number>', 'alternating rounds, of which the median counts', roundsOf, 5)
  .option('--quick', 'short rounds: whether it runs at all, not figures to keep', false)
  .option('--page <file.md>', 'writes the figures as a page, too')
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const values = program.opts<Options>();
const [name = '', ...parts] = program.args;

function list(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

function roundsOf(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new InvalidArgumentError('It is a whole number from 1.');
}

const { bench } = (await import(`./${name}.ts`)) as { bench: Bench };
const print = printer(values.json);
const figures: Figure[] = [];
const options = {
  only: [...parts, ...values.only],
  tests: values.tests.map((test) => test.toUpperCase()),
  rounds: values.rounds,
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
