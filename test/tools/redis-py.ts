import { pythonWith } from './python.ts';

const version = '8.1.0';

/** Runs a Python program that may `import redis`. */
export const runPython = pythonWith({
  name: `redis-${version}`,
  requirements: [`redis==${version}`],
  module: 'redis',
});
