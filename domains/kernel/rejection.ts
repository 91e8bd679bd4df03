/** An expected refusal: a stable code of the catalogue and a sentence that says what to do about it. */
export interface Rejection {
  readonly rejected: true;
  readonly code: RejectionCode;
  readonly detail: string;
}

/**
 * Every code that a rule or an authorization may answer with. The gateway gives each its HTTP status and title, and
 * the compiler sees to it that none is forgotten.
 */
export type RejectionCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'not_available_yet'
  | 'version_mismatch'
  | 'concurrent_change'
  | 'idempotency_key_reused'
  | 'name_taken'
  | 'tenant_not_active'
  | 'illegal_transition'
  | 'already_exists'
  | 'insufficient_capacity'
  | 'no_node_manager'
  | 'node_not_running'
  | 'backup_not_restorable'
  | 'operation_in_progress'
  | 'stale_epoch'
  | 'role_scope_mismatch'
  | 'command_not_allowed'
  | 'malformed_command';

/** A refusal with its code and an explanation for people. */
export function reject(code: RejectionCode, detail: string): Rejection {
  return { rejected: true, code, detail };
}

/** Whether a decision is a refusal. */
export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && 'rejected' in value;
}
