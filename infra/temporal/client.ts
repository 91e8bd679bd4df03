import type { Connection, WorkflowClient } from '@temporalio/client';

/** What Temporal knows of a workflow: `unknown` when it never heard of it or has forgotten it. */
export type WorkflowStatus = 'unknown' | 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed-out';

interface WorkflowStart {
  /** The name under which the workers registered it. */
  readonly workflow: string;
  readonly id: string;
  readonly input: object;
}

interface TemporalClientOptions {
  /** Of the front end, host:port. */
  readonly address: string;
  readonly namespace: string;
  /** Which workers carry out what is started. */
  readonly taskQueue: string;
}

/** The part of Temporal that starts workflows. It connects when first used, and again whenever the server was away. */
export interface TemporalClient {
  /** Starts the workflow unless one of this id runs or has completed; one that failed or was terminated starts again. */
  start(start: WorkflowStart): Promise<'started' | 'exists'>;
  status(workflowId: string): Promise<WorkflowStatus>;
  close(): Promise<void>;
}

/** Temporal could not be asked right now: it is not up yet, is starting again, or has no namespace yet. Try again later. */
export class TemporalAway extends Error {
  override readonly name = 'TemporalAway';
}

interface Session {
  readonly connection: Connection;
  readonly workflows: WorkflowClient;
  readonly sdk: typeof import('@temporalio/client');
}

const callTimeout_ms = 5000;

const statuses: Readonly<Record<string, WorkflowStatus>> = {
  RUNNING: 'running',
  PAUSED: 'running',
  CONTINUED_AS_NEW: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
};

/** A client of Temporal. Its calls reject with TemporalAway after seconds at most. */
export function temporalClient({ address, namespace, taskQueue }: TemporalClientOptions): TemporalClient {
  let opened: Promise<Session> | undefined;
  const session = () => (opened ??= openSession(address, namespace));

  const ask = async <Answer>(question: (session: Session) => Promise<Answer>): Promise<Answer> => {
    const current = await session();
    try {
      return await current.connection.withDeadline(Date.now() + callTimeout_ms, () => question(current));
    } catch (error) {
      if (isRefusal(error, current.sdk)) throw error;
      throw new TemporalAway(`Temporal at ${address} does not answer: ${messageOf(error)}`, { cause: error });
    }
  };

  return {
    start: ({ workflow, id, input }) =>
      ask(async ({ workflows, sdk }) => {
        try {
          await workflows.start(workflow, {
            workflowId: id,
            taskQueue,
            args: [input],
            workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
            // A step that was with a worker when it was killed goes to another one after this time.
            workflowTaskTimeout: '5s',
          });
          return 'started';
        } catch (error) {
          if (error instanceof sdk.WorkflowExecutionAlreadyStartedError) return 'exists';
          throw error;
        }
      }),
    status: (workflowId) =>
      ask(async ({ workflows, sdk }) => {
        try {
          const { status } = await workflows.getHandle(workflowId).describe();
          return statuses[status.name] ?? 'running';
        } catch (error) {
          if (error instanceof sdk.WorkflowNotFoundError) return 'unknown';
          throw error;
        }
      }),
    async close() {
      const current = await opened;
      await current?.connection.close();
    },
  };
}

/** The SDK is heavy, so it is loaded when there is something to ask. */
async function openSession(address: string, namespace: string): Promise<Session> {
  const sdk = await import('@temporalio/client');
  const connection = sdk.Connection.lazy({
    address,
    // By default gRPC waits up to two minutes between attempts; here the server is expected back any moment.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2000 },
    connectTimeout: callTimeout_ms,
  });
  return { connection, workflows: new sdk.WorkflowClient({ connection, namespace }), sdk };
}

/** Whether the server understood and will never want it, however often it is asked. */
function isRefusal(error: unknown, sdk: Session['sdk']): boolean {
  const cause = error instanceof sdk.ServiceError ? error.cause : error;
  return sdk.isGrpcServiceError(cause) && refusals.has(cause.code);
}

/** INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED and UNAUTHENTICATED of https://grpc.io/docs/guides/status-codes/ */
const refusals: ReadonlySet<number> = new Set([3, 7, 12, 16]);

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
