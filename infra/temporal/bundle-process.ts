/** The program of workflow-bundle.ts: takes the name of a file of workflows, writes the bundled code to standard output. */
import { bundleWorkflowCode } from '@temporalio/worker';

const nothing = () => {};
const error = (message: string) => console.error(message);
const logger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error };
const { code } = await bundleWorkflowCode({ workflowsPath: process.argv[2] ?? '', logger });
process.stdout.write(code);
