/** `npm run test:fuzz -- [--minutes 10] [--seed N]`: random and damaged input against an engine; ends with 1 at the first problem. */
import { Command, InvalidArgumentError } from 'commander';
import { fuzz } from './run.ts';

const { minutes, seed } = new Command('test:fuzz')
  .description('Random and damaged input against an engine; exit 1 at the first crash, hang or growth of memory.')
  .option('--minutes <minutes>', 'how long', minutesOf, 10)
  .option('--seed <number>', 'what all input follows from', seedOf, Date.now() % 1e9)
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ minutes: number; seed: number }>();

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (minutes > 0) return minutes;
  throw new InvalidArgumentError('It is a number greater than 0.');
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (Number.isInteger(seed)) return seed;
  throw new InvalidArgumentError('It is a whole number.');
}

console.log(`fuzzing for ${minutes} minutes from seed ${seed}`);
const { sessions, bytes, heldBytes, problem } = await fuzz(minutes * 60_000, seed);
const held = heldBytes.map((each) => Math.round(each / 1_048_576)).join(' ');
console.log(`${sessions} sessions, ${Math.round(bytes / 1000)} kB sent; held after each round, in MiB: ${held}`);
if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 1;
}
