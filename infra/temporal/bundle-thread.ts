/** The thread of workflow-bundle.ts: takes the name of a file of workflows, posts the bundled code. */
import { parentPort, workerData } from 'node:worker_threads';

import { bundleWorkflowCode } from '@temporalio/worker';

const nothing = () => {};
const logger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
const { code } = await bundleWorkflowCode({ workflowsPath: workerData as string, logger });
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(code);
