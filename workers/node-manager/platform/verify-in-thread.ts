import { Worker } from 'node:worker_threads';

import type { VerifyResult } from './verify.ts';

/** What is to be verified, and where it is. */
export interface VerifyOrder {
  readonly objectStoreUrl: string;
  readonly objectKey: string;
  readonly sha256: string;
}

/**
 * Verifies a backup as `verifyObject` does, in a thread of its own: it needs nothing of any node, and to rebuild all values of a
 * large one beside the running nodes would take their time and fill their heap. Aborted, the thread ends at once.
 */
export function verifyInThread(order: VerifyOrder, signal: AbortSignal): Promise<VerifyResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('verify-thread.ts', import.meta.url), { workerData: order });
    const abort = (): void => void thread.terminate();
    signal.addEventListener('abort', abort);
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => {
      signal.removeEventListener('abort', abort);
      reject(signal.aborted ? (signal.reason as Error) : new Error('The verifying thread ended without a result.'));
    });
  });
}
