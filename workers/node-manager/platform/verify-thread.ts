/** The program of a thread that verifies one backup, as `verifyInThread` asks, and ends. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

import { openObjectStore } from '#infra/object-store/open.ts';

import { verifyObject } from './verify.ts';
import type { VerifyOrder } from './verify-in-thread.ts';

// On Linux a thread has a priority of its own: where cores are short, those who serve clients come first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const { objectStoreUrl, objectKey, sha256 } = workerData as VerifyOrder;
const result = await verifyObject(await openObjectStore(objectStoreUrl), objectKey, sha256);
parentPort?.postMessage(result, []);
