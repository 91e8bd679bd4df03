/**
 * What the keys of all objects of a backup start with, whichever attempt wrote them. Ids are of one length and no key has more
 * after the dot than its attempt, so no backup's prefix is the start of another's.
 */
export function backupObjectPrefix(backup: { tenantId: string; nodeId: string; backupId: string }): string {
  return `backups/${backup.tenantId}/${backup.nodeId}/${backup.backupId}.`;
}
