import { z } from 'zod';

/** 128 bits in Crockford's base 32, lower case, the time first, so that ids sort by their creation. */
const body = '[0-9a-hjkmnp-tv-z]{26}';

/** An id whose prefix tells what it names, so that one kind can't be taken for another. */
function idOf<const Prefix extends string>(prefix: Prefix) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_${body}$`), `must be an id like ${prefix}_01jd…`)
    .brand<Prefix>();
}

export const TenantId = idOf('tnt');
export type TenantId = z.infer<typeof TenantId>;

export const NodeId = idOf('node');
export type NodeId = z.infer<typeof NodeId>;

export const BackupId = idOf('bkp');
export type BackupId = z.infer<typeof BackupId>;

export const OperationId = idOf('op');
export type OperationId = z.infer<typeof OperationId>;

export const ApiKeyId = idOf('key');
export type ApiKeyId = z.infer<typeof ApiKeyId>;

/** A node manager names itself; it keeps its name across restarts. */
export const ManagerId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, at most 63')
  .brand<'manager'>();
export type ManagerId = z.infer<typeof ManagerId>;

/** A SHA-256 digest in lower-case hexadecimal. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
