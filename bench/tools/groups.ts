import { boundOf, type BenchOptions, type Print } from './figure.ts';

/** A part of a bench, which `--only` can name. */
export type Group = (print: Print, options: BenchOptions) => Promise<void>;

/**
 * Runs the parts that are asked for, or all but those that run only when they are named. One that fails does not keep the others from
 * being measured; the run as a whole has failed then. Ends with a list of the bounds that were missed.
 */
export async function runGroups(
  groups: Readonly<Record<string, Group>>,
  print: Print,
  options: BenchOptions,
  onlyWhenNamed: readonly string[] = [],
): Promise<void> {
  const unknown = options.only.filter((name) => groups[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  const failed: string[] = [];
  const missed: string[] = [];
  const note: Print = (figure) => {
    print(figure);
    const bound = boundOf(figure);
    if (bound?.met === false) missed.push(`${figure.name} (${bound.bound})`);
  };
  for (const [name, group] of Object.entries(groups)) {
    if (options.only.length > 0 ? !options.only.includes(name) : onlyWhenNamed.includes(name)) continue;
    const began = performance.now();
    await group(note, options).catch((error: unknown) => {
      failed.push(name);
      console.error(`${name} could not be measured:`, error);
    });
    console.error(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  console.error(missed.length === 0 ? 'every bound is met' : `missed bounds:\n  ${missed.join('\n  ')}`);
  if (failed.length > 0) throw new Error(`not measured: ${failed.join(', ')}`);
}
