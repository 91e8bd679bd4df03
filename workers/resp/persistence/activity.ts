/** Something that runs in the background now and then, one at a time, and how it went the last time. */
export interface Activity {
  running: Promise<void> | undefined;
  /** To be begun once something else has ended. */
  scheduled: boolean;
  lastOk: boolean;
  /** How long it took, in whole seconds; -1 before the first time. */
  lastSeconds: number;
  startedMs: number;
  failedMs: number;
}

/** An activity that has not run yet. */
export function idle(): Activity {
  return { running: undefined, scheduled: false, lastOk: true, lastSeconds: -1, startedMs: 0, failedMs: 0 };
}

/** How long it has been running, in whole seconds, or -1. */
export function runningSeconds({ running, startedMs }: Activity): number {
  return running === undefined ? -1 : Math.floor((Date.now() - startedMs) / 1000);
}

/** Does it, and keeps account of how it went. `failed` is told of an error, which is thrown as well. */
export async function perform(
  activity: Activity,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  activity.scheduled = false;
  activity.startedMs = Date.now();
  try {
    await work();
    activity.lastOk = true;
  } catch (error) {
    activity.lastOk = false;
    activity.failedMs = Date.now();
    failed(error);
    throw error;
  } finally {
    activity.running = undefined;
    activity.lastSeconds = Math.floor((Date.now() - activity.startedMs) / 1000);
  }
}
