import type { ApiKeyId, BackupId, NodeId, OperationId, TenantId } from '#domains/kernel/ids.ts';
import { v7 as uuidv7 } from 'uuid';

interface Ids {
  tnt: TenantId;
  node: NodeId;
  bkp: BackupId;
  op: OperationId;
  key: ApiKeyId;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new id such as `tnt_01jd…`: a UUIDv7 (RFC 9562) in Crockford's base 32, so that ids sort by the time they were made, also
 * within a millisecond of one process.
 */
export function newId<Prefix extends keyof Ids>(prefix: Prefix): Ids[Prefix] {
  return `${prefix}_${base32(uuidv7(undefined, new Uint8Array(16)))}` as Ids[Prefix];
}

/** 16 bytes as 26 digits of 5 bits, the first of which holds only 3. */
function base32(bytes: Uint8Array): string {
  let [bits, held, text] = [0, 2, ''];
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    held += 8;
    while (held >= 5) {
      held -= 5;
      text += alphabet[(bits >> held) & 31];
    }
  }
  return text;
}
