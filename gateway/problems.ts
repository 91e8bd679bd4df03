import type { RejectionCode } from '#domains/kernel/rejection.ts';

/** What the edge itself refuses, before a rule of a domain is asked. */
type EdgeCode =
  | 'malformed_json'
  | 'malformed_request'
  | 'malformed_header'
  | 'validation_failed'
  | 'invalid_cursor'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'redis_error'
  | 'rate_limited'
  | 'headers_too_large'
  | 'internal_error'
  | 'node_unreachable'
  | 'read_model_behind'
  | 'unavailable';

/** Every code that a problem may carry. Codes are part of the contract: they are added, never renamed. */
export type ProblemCode = RejectionCode | EdgeCode;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What whoever gets it does next, for the page that `type` points at. */
  readonly remedy: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter_s?: number;
}

/** The catalogue: each code's HTTP status, title and remedy. The compiler asks for a row when a code is added. */
export const problemKinds: Readonly<Record<ProblemCode, ProblemKind>> = {
  malformed_json: { status: 400, title: 'Malformed JSON', remedy: 'Send one JSON document in UTF-8.' },
  malformed_command: {
    status: 400,
    title: 'Malformed command',
    remedy: 'Send it to Kafka as docs/kafka.md describes.',
  },
  malformed_request: { status: 400, title: 'Malformed request', remedy: 'Check the request line and its encoding.' },
  malformed_header: { status: 400, title: 'Malformed header', remedy: 'Correct the header that `detail` names.' },
  validation_failed: { status: 400, title: 'Validation failed', remedy: 'Correct every field listed in `errors`.' },
  invalid_cursor: {
    status: 400,
    title: 'Invalid cursor',
    remedy: 'Use `nextCursor` of the page before, with the same filters, or start without a cursor.',
  },
  unauthenticated: {
    status: 401,
    title: 'Not authenticated',
    remedy: 'Send `Authorization: Bearer <api key>` with a key that has not been revoked.',
  },
  forbidden: { status: 403, title: 'Forbidden', remedy: 'Use a key whose role may do this.' },
  not_found: { status: 404, title: 'Not found', remedy: 'Check the id; deleted things can be read but not changed.' },
  route_not_found: { status: 404, title: 'No such path', remedy: 'See /openapi.json for the paths there are.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', remedy: 'Use one of the methods in `Allow`.' },
  request_timeout: { status: 408, title: 'Request timed out', remedy: 'Send the whole request without long pauses.' },
  name_taken: { status: 409, title: 'Name taken', remedy: 'Choose another name.' },
  already_exists: { status: 409, title: 'Already exists', remedy: 'Use what exists.' },
  illegal_transition: { status: 409, title: 'Not possible in this state', remedy: 'Read the current state first.' },
  concurrent_change: { status: 409, title: 'Changed by others at once', remedy: 'Read it again and repeat.' },
  tenant_not_active: { status: 409, title: 'Tenant not active', remedy: 'Resume the tenant first.' },
  node_not_running: { status: 409, title: 'Node not running', remedy: 'Start the node first.' },
  backup_not_restorable: { status: 409, title: 'Backup not restorable', remedy: 'Choose a completed backup.' },
  operation_in_progress: { status: 409, title: 'Operation in progress', remedy: 'Wait until it has ended.' },
  stale_epoch: { status: 409, title: 'Placed elsewhere meanwhile', remedy: 'Read the placement again.' },
  version_mismatch: {
    status: 412,
    title: 'Changed since it was read',
    remedy: 'Read it again and send its new ETag in `If-Match`.',
  },
  body_too_large: { status: 413, title: 'Body too large', remedy: 'Send at most 1 MiB.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    remedy: 'Send `Content-Type: application/json`.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency key reused',
    remedy: 'Use a new Idempotency-Key for another request.',
  },
  not_available_yet: { status: 422, title: 'Not available yet', remedy: 'Leave the option out in this version.' },
  role_scope_mismatch: { status: 422, title: 'Role and scope do not fit', remedy: 'Follow what `detail` says.' },
  command_not_allowed: {
    status: 422,
    title: 'Command not allowed',
    remedy: 'Run it over a connection of your own to the endpoint of the node.',
  },
  redis_error: { status: 422, title: 'Redis answered with an error', remedy: 'The text in `detail` is from Redis.' },
  rate_limited: { status: 429, title: 'Too many requests', remedy: 'Wait as `Retry-After` says.', retryAfter_s: 1 },
  headers_too_large: { status: 431, title: 'Header fields too large', remedy: 'Send fewer or shorter headers.' },
  internal_error: { status: 500, title: 'Internal error', remedy: 'Report the `X-Correlation-Id` of the reply.' },
  no_node_manager: {
    status: 503,
    title: 'No node manager',
    remedy: 'Try again when a node manager has registered.',
    retryAfter_s: 2,
  },
  node_unreachable: { status: 503, title: 'Node unreachable', remedy: 'Try again in a moment.', retryAfter_s: 1 },
  read_model_behind: {
    status: 503,
    title: 'Read model behind',
    remedy: 'Try again; `detail` says which position it has reached.',
    retryAfter_s: 1,
  },
  unavailable: { status: 503, title: 'Temporarily unavailable', remedy: 'Try again in a moment.', retryAfter_s: 1 },
  insufficient_capacity: {
    status: 507,
    title: 'Insufficient capacity',
    remedy: 'Ask for less memory, delete what is not needed or add capacity.',
  },
};

/** One thing that is wrong with a request: where (`body.name`, `query.limit`) and what. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  /** Further members of the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly retryAfter_s?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Stands in for the request's path where that would tell unknown ids from foreign ones. */
  readonly instance?: string;
}

/** An answer other than success; thrown anywhere in a request, it becomes `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.name = 'Problem';
    this.code = code;
    this.extras = extras;
  }
}

/** The document that is sent for a problem. */
export function problemDocument({ code, message, extras }: Problem, instance: string) {
  const { status, title } = problemKinds[code];
  return {
    type: `/docs/problems/${code}`,
    title,
    status,
    code,
    detail: message,
    instance: extras.instance ?? instance,
    ...(extras.errors === undefined ? {} : { errors: extras.errors }),
    ...extras.members,
  };
}
