import { variables } from './variables.ts';

/** The table of variables as text, one line each. */
export function describeVariables(): string {
  const names = Object.keys(variables);
  const width = Math.max(...names.map((name) => name.length));
  return Object.entries(variables)
    .map(([name, { default: initial, meaning }]) => {
      const shown = initial === '' ? '' : ` (${initial})`;
      return `  ${name.padEnd(width)}  ${meaning}${shown}`;
    })
    .join('\n');
}
