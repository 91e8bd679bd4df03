// Made from schemas/events by "npm run schemas -- types"; not to be edited.

/** What each event says, by its newest schema. Ids and words that are branded or listed in the domains are strings here. */
export interface EventData {
  /** An API key was made. (schemas/events/ApiKeyCreated.v1.avsc) */
  ApiKeyCreated: {
    /** The key; its secret was shown once. */
    keyId: string;
    /** What its owner calls it; personal, so the log holds its ciphertext. */
    name: string;
    /** operator, tenant-admin, tenant-developer or auditor. */
    role: string;
    /** The tenant it is bound to; null for the whole platform. */
    tenantId: null | string;
    /** SHA-256 of the secret, in hexadecimal. */
    secretSha256: string;
  };
  /** An API key opens nothing any more. (schemas/events/ApiKeyRevoked.v1.avsc) */
  ApiKeyRevoked: {
    /** The key. */
    keyId: string;
    /** Why, for people. */
    reason: string;
  };
  /** The snapshot is in the object store. (schemas/events/BackupCompleted.v1.avsc) */
  BackupCompleted: {
    /** The backup. */
    backupId: string;
    /** Where the RDB file lies in the object store. */
    objectKey: string;
    /** SHA-256 of the file, in hexadecimal. */
    sha256: string;
    /** Size of the file, in bytes. */
    bytes: number;
    /** How many keys it holds. */
    keys: number;
    /** Order-independent digest of the keyspace it holds. */
    digest: string;
  };
  /** The backup and its object are gone. (schemas/events/BackupDeleted.v1.avsc) */
  BackupDeleted: {
    /** The backup. */
    backupId: string;
  };
  /** The backup did not come about. (schemas/events/BackupFailed.v1.avsc) */
  BackupFailed: {
    /** The backup. */
    backupId: string;
    /** Why, for people. */
    reason: string;
  };
  /** A backup of a node was asked for. (schemas/events/BackupRequested.v1.avsc) */
  BackupRequested: {
    /** The backup. */
    backupId: string;
    /** The node it is of. */
    nodeId: string;
    /** The tenant who owns both. */
    tenantId: string;
    /** The name of the node when it was asked for. */
    nodeName: string;
    /** The operation that shows how far this is. */
    operationId: string;
  };
  /** The workflow of the backup has begun. (schemas/events/BackupStarted.v1.avsc) */
  BackupStarted: {
    /** The backup. */
    backupId: string;
  };
  /** The stored object was read back, loaded and compared with what was taken. (schemas/events/BackupVerified.v1.avsc) */
  BackupVerified: {
    /** The backup. */
    backupId: string;
  };
  /** A command was carried out. (schemas/events/CommandAccepted.v1.avsc) */
  CommandAccepted: {
    /** What was asked for, such as node.create. */
    action: string;
    /** The kind of thing it was about. */
    targetKind: string;
    /** The id of that thing. */
    targetId: string;
    /** Keyed hash of the request, which tells a repeat from a reuse of its command id. */
    requestHmac: string;
    /** What a repeat of the command needs to be answered again; never a secret. */
    result: Record<string, string>;
  };
  /** Authorization refused a command. (schemas/events/CommandDenied.v1.avsc) */
  CommandDenied: {
    /** What was asked for, such as node.create. */
    action: string;
    /** The kind of thing it was about. */
    targetKind: string;
    /** The id of that thing. */
    targetId: string;
    /** Keyed hash of the request, which tells a repeat from a reuse of its command id. */
    requestHmac: string;
    /** The stable code of the catalogue. */
    code: string;
    /** The reason, for people. */
    detail: string;
  };
  /** A rule refused a command. (schemas/events/CommandRejected.v1.avsc) */
  CommandRejected: {
    /** What was asked for, such as node.create. */
    action: string;
    /** The kind of thing it was about. */
    targetKind: string;
    /** The id of that thing. */
    targetId: string;
    /** Keyed hash of the request, which tells a repeat from a reuse of its command id. */
    requestHmac: string;
    /** The stable code of the catalogue. */
    code: string;
    /** The reason, for people. */
    detail: string;
  };
  /** Somebody read or wrote the data of a node through the gateway. (schemas/events/DataAccessed.v1.avsc) */
  DataAccessed: {
    /** What was asked for, such as node.create. */
    action: string;
    /** The kind of thing it was about. */
    targetKind: string;
    /** The id of that thing. */
    targetId: string;
    /** Keyed hash of the request, which tells a repeat from a reuse of its command id. */
    requestHmac: string;
    /** The name of the Redis command, never its arguments. */
    redisCommand: string;
  };
  /** A node manager is there, or has changed what it offers. (schemas/events/ManagerRegistered.v1.avsc) */
  ManagerRegistered: {
    /** The name it keeps across restarts. */
    managerId: string;
    /** Where its RESP listener is reached. */
    host: string;
    /** The port of that listener. */
    respPort: number;
    /** How much memory its nodes may take together, in MiB. */
    memoryBudgetMb: number;
  };
  /** A unique name is free again. (schemas/events/NameReleased.v1.avsc) */
  NameReleased: {
    /** Who held it. */
    holder: string;
  };
  /** A unique name was taken. (schemas/events/NameReserved.v1.avsc) */
  NameReserved: {
    /** Who holds it. */
    holder: string;
  };
  /** A node was given a new password; the old one is void. (schemas/events/NodeCredentialsRotated.v1.avsc) */
  NodeCredentialsRotated: {
    /** The node. */
    nodeId: string;
    /** SHA-256 of the new password, in hexadecimal. */
    passwordSha256: string;
  };
  /** A node and its data are gone; its backups are kept. (schemas/events/NodeDeleted.v1.avsc) */
  NodeDeleted: {
    /** The node. */
    nodeId: string;
  };
  /** A node was asked to go. (schemas/events/NodeDeleteRequested.v1.avsc) */
  NodeDeleteRequested: {
    /** The node. */
    nodeId: string;
    /** The operation that shows how far this is. */
    operationId: string;
  };
  /** A node could not start or can serve no longer. (schemas/events/NodeFailed.v1.avsc) */
  NodeFailed: {
    /** The node. */
    nodeId: string;
    /** Why, for people. */
    reason: string;
  };
  /** A node was given to a node manager. (schemas/events/NodePlaced.v1.avsc) */
  NodePlaced: {
    /** The node. */
    nodeId: string;
    /** The node manager that hosts it. */
    managerId: string;
    /** The fencing token; it grows with every placement. */
    epoch: number;
  };
  /** A Redis node was asked for. (schemas/events/NodeRequested.v2.avsc) */
  NodeRequested: {
    /** The node. */
    nodeId: string;
    /** The tenant who owns it. */
    tenantId: string;
    /** Its name, unique within the tenant. */
    name: string;
    /** How much memory its data may take, in MiB. */
    memoryLimitMb: number;
    /** What happens at the limit, in the words of maxmemory-policy. */
    evictionPolicy: string;
    /** none, everysec, always or quorum. */
    durability: string;
    /** How many copies beside the primary. */
    replicas: number;
    /** builtin or dedicated. */
    engine: string;
    /** SHA-256 of the password that was shown once, in hexadecimal. */
    passwordSha256: string;
    /** The operation that shows how far this is. */
    operationId: string;
    /** The backup whose data the node waits for before it serves; null for an empty node. */
    restoreFrom: null | string;
    /** The tenant's plan, which says what the node may do in a second. */
    plan: string;
  };
  /** The memory limit of a node was changed. (schemas/events/NodeResized.v1.avsc) */
  NodeResized: {
    /** The node. */
    nodeId: string;
    /** The new limit, in MiB. */
    memoryLimitMb: number;
  };
  /** A node serves its clients. (schemas/events/NodeStarted.v1.avsc) */
  NodeStarted: {
    /** The node. */
    nodeId: string;
    /** The node manager that hosts it. */
    managerId: string;
    /** The epoch of the placement it started under. */
    epoch: number;
  };
  /** A stopped node was asked to start. (schemas/events/NodeStartRequested.v1.avsc) */
  NodeStartRequested: {
    /** The node. */
    nodeId: string;
    /** The operation that shows how far this is. */
    operationId: string;
  };
  /** A node serves no longer; its data is kept. (schemas/events/NodeStopped.v1.avsc) */
  NodeStopped: {
    /** The node. */
    nodeId: string;
  };
  /** A node was asked to stop. (schemas/events/NodeStopRequested.v1.avsc) */
  NodeStopRequested: {
    /** The node. */
    nodeId: string;
    /** The operation that shows how far this is. */
    operationId: string;
    /** requested or tenant_suspended. */
    reason: string;
  };
  /** The node holds what the backup holds. (schemas/events/RestoreCompleted.v1.avsc) */
  RestoreCompleted: {
    /** The operation that shows how far this is. */
    operationId: string;
    /** How many keys were loaded. */
    keys: number;
    /** How many keys of the backup had expired meanwhile and were left out. */
    expiredKeys: number;
    /** Digest of the content of the loaded file. */
    digest: string;
  };
  /** The restore did not come about; the data of the node is as it was. (schemas/events/RestoreFailed.v1.avsc) */
  RestoreFailed: {
    /** The operation that shows how far this is. */
    operationId: string;
    /** Why, for people. */
    reason: string;
  };
  /** A backup was asked to be loaded into a node. (schemas/events/RestoreRequested.v1.avsc) */
  RestoreRequested: {
    /** The operation that shows how far this is. */
    operationId: string;
    /** The backup to load. */
    backupId: string;
    /** The node it is loaded into. */
    nodeId: string;
    /** The tenant who owns both. */
    tenantId: string;
    /** Whether the node had data before, which the restore replaces. */
    inPlace: boolean;
  };
  /** The workflow of the restore has begun. (schemas/events/RestoreStarted.v1.avsc) */
  RestoreStarted: {
    /** The operation that shows how far this is. */
    operationId: string;
  };
  /** The key of somebody's personal data was destroyed for good. Whoever reads this event sees to it that it is. (schemas/events/SubjectErased.v1.avsc) */
  SubjectErased: {
    /** The id that the personal data is about: a tenant's, or an API key's. */
    subject: string;
  };
  /** A tenant was created. (schemas/events/TenantCreated.v1.avsc) */
  TenantCreated: {
    /** The tenant. */
    tenantId: string;
    /** The name its owner chose; personal, so the log holds its ciphertext. */
    name: string;
    /** The plan it is on. */
    plan: string;
  };
  /** A tenant was deleted. (schemas/events/TenantDeleted.v1.avsc) */
  TenantDeleted: {
    /** The tenant. */
    tenantId: string;
  };
  /** A suspended tenant is active again. (schemas/events/TenantResumed.v1.avsc) */
  TenantResumed: {
    /** The tenant. */
    tenantId: string;
  };
  /** A tenant was suspended: its nodes stop and it may create nothing. (schemas/events/TenantSuspended.v1.avsc) */
  TenantSuspended: {
    /** The tenant. */
    tenantId: string;
    /** Why, for people. */
    reason: string;
  };
}
