import { proxyActivities } from '@temporalio/workflow';

interface Activities {
  note(what: { text: string }): Promise<void>;
}

const { note } = proxyActivities<Activities>({ startToCloseTimeout: '10s' });

/** Has a text noted: the least that needs a server, a workflow worker and an activity worker. */
export async function noting(what: { text: string }): Promise<void> {
  await note(what);
}
