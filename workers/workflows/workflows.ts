/** Everything that Temporal runs: the bundle is made from this file. */
export { backup } from './backup/workflow.ts';
export { restore } from './restore/workflow.ts';
