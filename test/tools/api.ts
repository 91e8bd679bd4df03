import { setTimeout as sleep } from 'node:timers/promises';

/** What the gateway answered; `body` is the parsed JSON. */
export interface Reply<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** An operation as `GET /v1/operations/:id` shows it. */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly percent: number;
  readonly message: string;
  readonly error?: { readonly code: string; readonly detail: string } | null;
}

/** A client of one platform with one key. It knows the REST contract's shapes no better than `curl` does. */
export function apiClient(gatewayUrl: string, apiKey: string) {
  async function request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<Body>> {
    const response = await fetch(`${gatewayUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Body };
  }

  /** The body of a reply that must be a success; throws with the problem's own words otherwise. */
  async function must<Body = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Body> {
    const reply = await request<Body>(method, path, body);
    if (reply.status >= 300)
      throw new Error(`${method} ${path} answered ${reply.status}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** Follows an operation to its end, telling each change; throws when it does not succeed in time. */
  async function finished(
    operationId: string,
    options: { timeoutMs?: number; onChange?: (operation: Operation) => void } = {},
  ): Promise<Operation> {
    const deadline = Date.now() + (options.timeoutMs ?? 60_000);
    let seen = '';
    for (;;) {
      const operation = await must<Operation>('GET', `/v1/operations/${operationId}`);
      const now = `${operation.state} ${operation.percent} ${operation.message}`;
      if (now !== seen) options.onChange?.(operation);
      seen = now;
      if (operation.state === 'succeeded') return operation;
      if (operation.state === 'failed' || operation.state === 'cancelled') {
        throw new Error(`operation ${operationId} ${operation.state}: ${JSON.stringify(operation.error)}`);
      }
      if (Date.now() > deadline)
        throw new Error(`operation ${operationId} is still ${operation.state} (${operation.message})`);
      await sleep(100);
    }
  }

  return { gatewayUrl, apiKey, request, must, finished };
}

export type ApiClient = ReturnType<typeof apiClient>;
