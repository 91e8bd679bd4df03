/** `npm run test:fuzz -- [--minutes 10] [--seed N]`: random and damaged input against an engine; ends with 1 at the first problem. */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: String(Date.now() % 1e9) } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes is a positive number and --seed an integer.');
console.log(`fuzzing for ${minutes} minutes from seed ${seed}`);
const { sessions, bytes, heldBytes, problem } = await fuzz(minutes * 60_000, seed);
const held = heldBytes.map((each) => Math.round(each / 1_048_576)).join(' ');
console.log(`${sessions} sessions, ${Math.round(bytes / 1000)} kB sent; held after each round, in MiB: ${held}`);
if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 1;
}
